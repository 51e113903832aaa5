package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// Numbers of linux/netlink.h, linux/netfilter/nfnetlink.h and
// linux/netfilter/nf_tables.h.
const (
	subsystemNFTables = 10
	msgNewRule        = 6
	msgGetRule        = 7

	ruleTable       = 1 // attributes of a rule
	ruleChain       = 2
	ruleExpressions = 4
	ruleUserData    = 7

	expressionName = 1 // attributes of an expression
	expressionData = 2

	ctRegister  = 1 // attributes of expression ct
	ctKey       = 2
	ctDirection = 3

	attributeHeader = 4      // bytes before an attribute's value
	attributeType   = 0x3fff // without the flags of nesting and byte order

	bufferSize = 64 << 10  // of one read
	queueSize  = 128 << 20 // of the socket, as far as the system allows
)

// chainKey names a chain.
type chainKey struct {
	family       byte
	table, chain string
}

// kernelRule is a rule with its expressions undecoded.
type kernelRule struct {
	expressions []expression
	comment     string
}

type expression struct {
	name string
	data []byte
}

// socket is what a netlink connection of the library offers here; its type is of a
// module that we do not import.
type socket interface {
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
	SyscallConn() (syscall.RawConn, error)
}

// tuned makes an option of the library, by its own function for that: it enlarges the
// socket and dumps the rules of all tables.
//
// The library reads rules, too, but leaves out expressions that it has no type for
// without a word, and fails at "ct original proto-dst". And the kernel fills its
// answers only as far as the socket's largest read so far: one read of 64 KiB makes
// the library's own, which are of a page, many times faster for large sets.
func tuned[Option any, Set ~func(S) error, S socket](with func(...Set) Option, rules *map[chainKey][]kernelRule) Option {
	return with(func(s S) error {
		raw, err := s.SyscallConn()
		if err := errors.Join(err, s.SetReadBuffer(queueSize), s.SetWriteBuffer(queueSize)); err != nil {
			return err
		}
		*rules, err = dumpRules(raw)
		return err
	})
}

// dumpRules asks for the rules of every table, in the order of their chains.
func dumpRules(raw syscall.RawConn) (map[chainKey][]kernelRule, error) {
	// struct nlmsghdr, then struct nfgenmsg of every family.
	request := binary.NativeEndian.AppendUint32(nil, syscall.NLMSG_HDRLEN+attributeHeader)
	request = binary.NativeEndian.AppendUint16(request, subsystemNFTables<<8|msgGetRule)
	request = binary.NativeEndian.AppendUint16(request, syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	request = append(request, 0, 0, 0, 0, 0, 0, 0, 0, syscall.AF_UNSPEC, 0, 0, 0)
	var failed error
	err := raw.Write(func(fd uintptr) bool {
		failed = syscall.Sendto(int(fd), request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
		return !errors.Is(failed, syscall.EAGAIN)
	})
	rules := map[chainKey][]kernelRule{}
	for done := false; err == nil && failed == nil && !done; {
		buffer := make([]byte, bufferSize) // that the rules keep
		err = raw.Read(func(fd uintptr) bool {
			var n int
			if n, _, failed = syscall.Recvfrom(int(fd), buffer, 0); errors.Is(failed, syscall.EAGAIN) {
				return false
			}
			if failed == nil {
				done, failed = readMessages(buffer[:n], rules)
			}
			return true
		})
	}
	return rules, errors.Join(err, failed)
}

// readMessages takes the messages of one read, and reports whether they are the last.
func readMessages(data []byte, rules map[chainKey][]kernelRule) (done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		switch m.Header.Type {
		case syscall.NLMSG_DONE:
			return true, nil
		case syscall.NLMSG_ERROR:
			if len(m.Data) < 4 {
				return false, errors.New("a netlink error is cut short")
			}
			return false, syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
		case subsystemNFTables<<8 | msgNewRule:
			if err := readRule(m.Data, rules); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func readRule(data []byte, rules map[chainKey][]kernelRule) error {
	if len(data) < attributeHeader {
		return errors.New("a rule is cut short")
	}
	key, one := chainKey{family: data[0]}, kernelRule{}
	err := attributes(data[attributeHeader:], func(kind uint16, value []byte) error {
		switch kind {
		case ruleTable:
			key.table = text(value)
		case ruleChain:
			key.chain = text(value)
		case ruleUserData:
			one.comment, _ = userdata.GetString(value, userdata.TypeComment)
		case ruleExpressions:
			return attributes(value, func(_ uint16, value []byte) error { return one.addExpression(value) })
		}
		return nil
	})
	rules[key] = append(rules[key], one)
	return err
}

func (r *kernelRule) addExpression(data []byte) error {
	var e expression
	err := attributes(data, func(kind uint16, value []byte) error {
		switch kind {
		case expressionName:
			e.name = text(value)
		case expressionData:
			e.data = value
		}
		return nil
	})
	r.expressions = append(r.expressions, e)
	return err
}

// text is a string without the zero that ends it.
func text(value []byte) string { return strings.TrimRight(string(value), "\x00") }

// attributes calls f with each netlink attribute (struct nlattr).
func attributes(data []byte, f func(kind uint16, value []byte) error) error {
	for len(data) >= attributeHeader {
		size := int(binary.NativeEndian.Uint16(data))
		if size < attributeHeader || size > len(data) {
			return fmt.Errorf("a netlink attribute of %d bytes in %d", size, len(data))
		}
		if err := f(binary.NativeEndian.Uint16(data[2:])&attributeType, data[attributeHeader:size]); err != nil {
			return err
		}
		data = data[min(len(data), (size+3)&^3):]
	}
	return nil
}

// decode reads an expression of the kinds that nft makes of our rules.
func (e expression) decode(family byte) (expr.Any, error) {
	kinds := map[string]expr.Any{
		"meta": &expr.Meta{}, "payload": &expr.Payload{}, "bitwise": &expr.Bitwise{}, "cmp": &expr.Cmp{},
		"range": &expr.Range{}, "lookup": &expr.Lookup{}, "objref": &expr.Objref{}, "immediate": &expr.Immediate{},
	}
	kind, ok := kinds[e.name]
	switch {
	case e.name == "ct":
		return e.decodeConnection()
	case !ok:
		return nil, fmt.Errorf("unknown expression %q", e.name)
	}
	if err := expr.Unmarshal(family, e.data, kind); err != nil {
		return nil, fmt.Errorf("expression %s: %w", e.name, err)
	}
	if i, ok := kind.(*expr.Immediate); ok {
		if i.Register != verdictRegister || len(i.Data) > 0 {
			return nil, fmt.Errorf("unknown expression %+v", *i)
		}
		kind = &expr.Verdict{}
		return kind, expr.Unmarshal(family, e.data, kind)
	}
	return kind, nil
}

// decodeConnection reads ct: the kernel's direction is of one byte, the library's of
// four.
func (e expression) decodeConnection() (*expr.Ct, error) {
	ct := &expr.Ct{Direction: noDirection}
	err := attributes(e.data, func(kind uint16, value []byte) error {
		switch {
		case kind == ctRegister && len(value) == 4:
			ct.Register = binary.BigEndian.Uint32(value)
		case kind == ctKey && len(value) == 4:
			ct.Key = expr.CtKey(binary.BigEndian.Uint32(value))
		case kind == ctDirection && len(value) == 1:
			ct.Direction = uint32(value[0])
		default:
			return fmt.Errorf("unknown attribute %d of expression ct", kind)
		}
		return nil
	})
	return ct, err
}
