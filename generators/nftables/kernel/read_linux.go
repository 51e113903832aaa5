package kernel

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	nf "github.com/google/nftables"
	"github.com/google/nftables/userdata"

	"gatewright/generators/filter"
)

// Attributes of linux/netfilter/nf_tables.h.
const (
	tableNameAttr, tableFlagsAttr = 1, 2

	chainTable, chainName, chainHook, chainPolicy, chainType, chainFlags = 1, 3, 4, 5, 7, 10
	hookNumber, hookPriority                                             = 1, 2
	chainOfRule                                                          = 4 // a flag: NFT_CHAIN_BINDING

	ruleTable, ruleChain, ruleHandle, ruleExpressions, rulePosition, ruleUserData = 1, 2, 3, 4, 6, 7
	listElement, expressionName, expressionData                                   = 1, 1, 2

	setTable, setName, setFlags, setKeyType, setKeySize     = 1, 2, 3, 4, 5
	setDataType, setDataSize, setID, setUserData, setHandle = 6, 7, 10, 13, 16
	setDescription, setPad, setTypeName, setCount           = 9, 14, 19, 20
	descriptionSize                                         = 1

	elementsTable, elementsSet, elementsList, elementsSetID = 1, 2, 3, 4
	elementKey, elementVerdict, elementFlags, elementNote   = 1, 2, 3, 6
	elementPad                                              = 8
	dataValue, dataVerdict                                  = 1, 2
	verdictCode, verdictChain                               = 1, 2

	objectTable, objectName, objectType, objectData = 1, 2, 3, 4

	generationID = 1
)

// Flags and types.
const (
	flagAnonymous, flagConstant, flagInterval, flagMap = 1, 2, 4, 8
	flagTimeout, flagEval                              = 0x10, 0x20
	flagIntervalEnd, flagCatchAll                      = 1, 2 // of an element

	verdictData = 0xffffff00 // NFT_DATA_VERDICT
	gotoCode    = -4         // NFT_GOTO
	jumpCode    = -3         // NFT_JUMP

	dropCode, acceptCode = 0, 1 // NF_DROP, NF_ACCEPT
)

// attempts is how often rules are read anew that change meanwhile.
const attempts = 10

// Read returns what the kernel holds in one table, such as "inet filter", of the sets,
// maps, chains and counters whose names are ours: of one state, between two changes.
func (c *Conn) Read(table string, ours func(name string) bool) (*Table, error) {
	return c.ReadExpecting(&Table{Name: table}, ours)
}

// ReadExpecting is Read of the table that should hold what want does: the same, but
// sooner if it does.
func (c *Conn) ReadExpecting(want *Table, ours func(name string) bool) (*Table, error) {
	table := want.Name
	for range attempts {
		t, err := c.readOnce(want, ours)
		if !errors.Is(err, errInterrupted) {
			if err != nil {
				err = fmt.Errorf("table %s in the kernel: %w", table, err)
			}
			return t, err
		}
	}
	return nil, fmt.Errorf("table %s in the kernel: %w, %d times", table, errInterrupted, attempts)
}

func (c *Conn) readOnce(want *Table, ours func(string) bool) (*Table, error) {
	before, err := c.generation()
	if err != nil {
		return nil, err
	}
	r := tableReader{Conn: c, ours: ours, want: want, Table: &Table{Name: want.Name, Missing: true, gen: before}, rules: map[string][]*rule{}, sets: map[string]*set{}}
	r.family, r.name = familyAndName(want.Name)
	if err := r.read(); err != nil {
		return nil, err
	}
	after, err := c.generation()
	if err == nil && after != before {
		err = errInterrupted
	}
	return r.Table, err
}

// familyAndName reads "inet filter".
func familyAndName(table string) (family byte, name string) {
	word, name, _ := strings.Cut(table, " ")
	for f, known := range families {
		if word == known {
			family = byte(f)
		}
	}
	return family, name
}

var families = map[nf.TableFamily]string{
	nf.TableFamilyINet: "inet", nf.TableFamilyIPv4: "ip", nf.TableFamilyIPv6: "ip6",
	nf.TableFamilyARP: "arp", nf.TableFamilyBridge: "bridge", nf.TableFamilyNetdev: "netdev",
}

// generation returns a number that changes with the rules.
func (c *Conn) generation() (id uint32, err error) {
	err = c.ask(msgGetGeneration, 0, 0, nil, func(m message) error {
		return attributes(m.data, func(kind uint16, value []byte) error {
			if kind == generationID && len(value) == 4 {
				id = binary.BigEndian.Uint32(value)
			}
			return nil
		})
	})
	return id, err
}

// tableReader reads one table.
type tableReader struct {
	*Conn
	*Table
	family byte
	name   string // of the table, without its family
	ours   func(string) bool
	want   *Table             // what it should hold
	rules  map[string][]*rule // by chain
	sets   map[string]*set    // all that were read, by name
}

func (r *tableReader) read() error {
	if err := r.readTables(); err != nil || r.Missing {
		return err
	}
	for _, step := range []func() error{r.readRules, r.readSets, r.readElements, r.readChains, r.readCounters, r.readFlowtables} {
		if err := step(); err != nil {
			return err
		}
	}
	r.readLeads()
	for _, chain := range r.Chains {
		for _, one := range chain.Rules {
			one.decoded, one.odd = r.decode(one)
		}
	}
	return nil
}

// decode reads a rule as one of ours.
func (r *tableReader) decode(one *rule) (filter.Rule, error) {
	return decode(one, r.family, func(name string) *set { return r.sets[name] })
}

// dump asks for all objects of a kind in the table.
func (r *tableReader) dump(kind uint16, tableAttr uint16, f func(attrs attributeMap) error) error {
	request := appendAttribute(nil, tableAttr, append([]byte(r.name), 0))
	return r.ask(kind, syscall.NLM_F_DUMP, r.family, request, func(m message) error {
		attrs, err := attributesOf(m.data)
		if err != nil || m.family != r.family || text(attrs[tableAttr]) != r.name {
			return err
		}
		return f(attrs)
	})
}

// attributeMap holds attributes by their kinds.
type attributeMap map[uint16][]byte

func attributesOf(data []byte) (attributeMap, error) {
	attrs := attributeMap{}
	err := attributes(data, func(kind uint16, value []byte) error { attrs[kind] = value; return nil })
	return attrs, err
}

func (m attributeMap) number(kind uint16) uint32 {
	if v := m[kind]; len(v) == 4 {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (m attributeMap) number64(kind uint16) uint64 {
	if v := m[kind]; len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// readTables notes the other tables as well.
func (r *tableReader) readTables() error {
	return r.ask(msgGetTable, syscall.NLM_F_DUMP, 0, nil, func(m message) error {
		attrs, err := attributesOf(m.data)
		if err != nil {
			return err
		}
		if m.family == r.family && text(attrs[tableNameAttr]) == r.name {
			r.Missing, r.Flags = false, attrs.number(tableFlagsAttr)
			return nil
		}
		r.others = append(r.others, strings.TrimSpace(families[nf.TableFamily(m.family)]+" "+text(attrs[tableNameAttr])))
		return nil
	})
}

func (r *tableReader) readRules() error {
	return r.dump(msgGetRule, ruleTable, func(attrs attributeMap) error {
		one := &rule{handle: attrs.number64(ruleHandle), UserData: slices.Clone(attrs[ruleUserData])}
		chain := text(attrs[ruleChain])
		r.rules[chain] = append(r.rules[chain], one)
		return attributes(attrs[ruleExpressions], func(_ uint16, value []byte) error {
			parts, err := attributesOf(value)
			one.Expressions = append(one.Expressions, expression{text(parts[expressionName]), slices.Clone(parts[expressionData])})
			return err
		})
	})
}

// comment is what nft shows as the rule's comment.
func (r *rule) comment() string {
	if len(r.UserData) < 2 || int(r.UserData[1]) > len(r.UserData)-2 {
		return "" // the library does not look
	}
	s, _ := userdata.GetString(r.UserData, userdata.TypeComment)
	return s
}

// lookups calls f with the sets that a rule names.
func (r *rule) lookups(f func(name string)) {
	for _, e := range r.Expressions {
		kind := setReferences[e.Name].name
		if attrs, err := attributesOf(e.Data); err == nil && kind > 0 && attrs[kind] != nil {
			f(text(attrs[kind]))
		}
	}
}

// setReferences are the attributes of expressions that refer to a set, by its name and,
// in the transaction that makes it, by a number.
var setReferences = map[string]struct{ name, id uint16 }{"lookup": {1, 4}, "dynset": {1, 2}, "objref": {5, 6}}

// readSets reads how sets are declared, and keeps those that are ours.
func (r *tableReader) readSets() error {
	return r.dump(msgGetSet, setTable, func(attrs attributeMap) error {
		s := &set{Name: text(attrs[setName]), count: attrs.number(setCount), Spec: spec{
			Flags: attrs.number(setFlags), KeyType: attrs.number(setKeyType), KeySize: attrs.number(setKeySize), DataType: attrs.number(setDataType),
		}}
		for _, kind := range slices.Sorted(maps.Keys(attrs)) {
			switch kind {
			case setTable, setName, setFlags, setKeyType, setKeySize, setDataType, setHandle, setPad, setTypeName, setCount:
			default:
				s.Spec.More = appendAttribute(s.Spec.More, kind, attrs[kind])
			}
		}
		r.sets[s.Name] = s
		if s.Spec.Flags&flagAnonymous == 0 && s.Spec.isDynamic() {
			r.unsaved = append(r.unsaved, "set "+s.Name+", whose elements come and go")
		}
		if s.Spec.Flags&flagAnonymous == 0 && !s.Spec.isDynamic() && r.ours(s.Name) {
			r.Sets = append(r.Sets, s)
		}
		return nil
	})
}

// isDynamic reports whether elements come and go by themselves.
func (s spec) isDynamic() bool { return s.Flags&(flagTimeout|flagEval) != 0 }

// isKnown reports whether a rule of ours can match a set: its elements are then read as
// intervals.
func (s spec) isKnown() bool {
	size := map[uint32]uint32{typeIPv4: net4, typeIPv6: net6, typeService: portSize}[s.KeyType]
	isMap := s.Flags&flagMap != 0
	return size > 0 && size == s.KeySize && s.Flags&^(flagAnonymous|flagConstant|flagInterval|flagMap) == 0 && isMap == (s.DataType == verdictData)
}

// odd returns why it is not known what a set holds; nil if it is.
func (s *set) odd() error {
	switch {
	case s.Spec.isKnown() && len(s.Raw) > 0:
		return fmt.Errorf("set %s has an element that cannot be read", s.Name)
	case len(s.intervals()) < len(s.Elements):
		return fmt.Errorf("set %s has an element for everything else", s.Name)
	}
	return nil
}

// Types of keys, as nft numbers them.
var (
	typeIPv4, typeIPv6, typeService = nf.TypeIPAddr.GetNFTMagic(), nf.TypeIP6Addr.GetNFTMagic(), nf.TypeInetService.GetNFTMagic()
	typeICMP6, typeInterface        = nf.TypeICMP6Type.GetNFTMagic(), nf.TypeIFName.GetNFTMagic()
)

// readElements reads the elements of sets that are ours, or that rules of ours name.
func (r *tableReader) readElements() error {
	wanted := map[string]bool{}
	for _, s := range r.Sets {
		wanted[s.Name] = true
	}
	for chain, rules := range r.rules {
		for _, one := range rules {
			if r.ours(chain) {
				one.lookups(func(name string) { wanted[name] = true })
			}
		}
	}
	for name, s := range r.sets {
		if wanted[name] && !s.Spec.isDynamic() {
			if err := r.readSet(s); err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	return nil
}

func (r *tableReader) readChains() error {
	return r.dump(msgGetChain, chainTable, func(attrs attributeMap) error {
		one := &chain{Name: text(attrs[chainName]), Rules: r.rules[text(attrs[chainName])]}
		if attrs.number(chainFlags)&chainOfRule != 0 {
			r.nameless = []string{"a chain without a name"}
		}
		if !r.ours(one.Name) {
			return nil
		}
		for _, rule := range one.Rules {
			rule.lookups(func(name string) {
				if s := r.sets[name]; s != nil && s.Spec.Flags&flagAnonymous != 0 {
					if rule.Sets == nil {
						rule.Sets = map[string]*set{}
					}
					rule.Sets[name] = s
				}
			})
		}
		r.Chains = append(r.Chains, one)
		if attrs[chainHook] == nil {
			return nil
		}
		parts, err := attributesOf(attrs[chainHook])
		one.Hook = &hook{
			Kind: text(attrs[chainType]), Policy: attrs.number(chainPolicy), Flags: attrs.number(chainFlags),
			Number: parts.number(hookNumber), Priority: int32(parts.number(hookPriority)),
		}
		for _, kind := range slices.Sorted(maps.Keys(parts)) {
			if kind > hookPriority {
				one.Hook.More = appendAttribute(one.Hook.More, kind, parts[kind])
			}
		}
		return err
	})
}

// readCounters reads named counters. Other objects are left alone.
func (r *tableReader) readCounters() error {
	return r.dump(msgGetObject, objectTable, func(attrs attributeMap) error {
		name := text(attrs[objectName])
		switch kind := attrs.number(objectType); {
		case kind != objectCounter:
			r.unsaved = append(r.unsaved, cmp.Or(objectKinds[kind], "object")+" "+name)
		case r.ours(name):
			r.Counters = append(r.Counters, name)
		}
		return nil
	})
}

// objectKinds are the kinds of objects of nf_tables.h that are not ours, as nft calls
// them.
var objectKinds = map[uint32]string{
	2: "quota", 3: "ct helper", 4: "limit", 6: "tunnel", 7: "ct timeout", 8: "secmark", 9: "ct expectation", 10: "synproxy",
}

// readFlowtables notes flowtables, which older kernels do not know.
func (r *tableReader) readFlowtables() error {
	const tableAttr, nameAttr = 1, 2
	err := r.dump(msgGetFlowtable, tableAttr, func(attrs attributeMap) error {
		r.unsaved = append(r.unsaved, "flowtable "+text(attrs[nameAttr]))
		return nil
	})
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil
	}
	return err
}
