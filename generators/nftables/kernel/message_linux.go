package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"

	nf "github.com/google/nftables"
)

// Numbers of linux/netlink.h, linux/netfilter/nfnetlink.h and
// linux/netfilter/nf_tables.h.
const (
	subsystemNFTables = 10
	msgBatchBegin     = 16
	msgBatchEnd       = 17
	batchGeneration   = 1 // attribute of a batch's begin

	msgNewTable, msgGetTable, msgDelTable              = 0, 1, 2
	msgNewChain, msgGetChain, msgDelChain              = 3, 4, 5
	msgNewRule, msgGetRule, msgDelRule                 = 6, 7, 8
	msgNewSet, msgGetSet, msgDelSet                    = 9, 10, 11
	msgNewElement, msgGetElement, msgDelElement        = 12, 13, 14
	msgNewGeneration, msgGetGeneration                 = 15, 16
	msgNewObject, msgGetObject, msgDelObject           = 18, 19, 20
	msgGetFlowtable                                    = 23
	attributeHeader                                    = 4      // bytes before an attribute's value
	attributeType                                      = 0x3fff // without the flags of nesting and byte order
	nested                                      uint16 = 0x8000

	bufferSize  = 64 << 10  // of one read
	queueSize   = 128 << 20 // of the socket, as far as the system allows
	interrupted = 0x10      // NLM_F_DUMP_INTR: a dump is not of one state
)

// socket is what a netlink connection of the library offers here; its type is of a
// module that we do not import.
type socket interface {
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
	SyscallConn() (syscall.RawConn, error)
}

// Conn is a netlink socket of one network namespace. Its messages are our own: the
// library leaves out expressions that it has no type for without a word, wraps lists of
// elements over 64 KiB, knows no generations, and wants an answer for each message, for
// which the queue has no room. And the kernel fills its answers only as far as the
// largest read so far: the library's are of a page.
type Conn struct {
	lib    *nf.Conn
	socket socket
	raw    syscall.RawConn
	buffer []byte
	fewest int // elements of a set that are asked for by their keys
	room   int // in the queue, for so many answers
}

// open opens a socket in the network namespace of a file, or of the calling thread for
// 0.
func open(namespace int) (*Conn, error) {
	c := &Conn{buffer: make([]byte, bufferSize), fewest: fewestByKey}
	options := []nf.ConnOption{nf.AsLasting(), tuned(nf.WithSockOptions, c)}
	if namespace != 0 {
		options = append(options, nf.WithNetNSFd(namespace))
	}
	var err error
	if c.lib, err = nf.New(options...); err != nil {
		return nil, err
	}
	return c, c.measure()
}

// Close closes the socket.
func (c *Conn) Close() { c.lib.CloseLasting() }

// tuned makes an option of the library, by its own function for that: it enlarges the
// socket and keeps it.
func tuned[Option any, Set ~func(S) error, S socket](with func(...Set) Option, c *Conn) Option {
	return with(func(s S) error {
		raw, err := s.SyscallConn()
		c.socket, c.raw = s, raw
		return errors.Join(err, s.SetReadBuffer(queueSize), s.SetWriteBuffer(queueSize))
	})
}

// message is one answer of the kernel: an error number, or attributes.
type message struct {
	kind, flags uint16
	seq         uint32
	errno       syscall.Errno // 0 of an acknowledgement
	family      byte
	data        []byte // valid until the next read
}

// send sends messages as they are.
func (c *Conn) send(data []byte) error {
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		failed = syscall.Sendto(int(fd), data, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
		return !errors.Is(failed, syscall.EAGAIN)
	})
	return errors.Join(err, failed)
}

// receive reads once; what it returns is valid until the next call. Without wait it
// returns nothing if there is nothing.
func (c *Conn) receive(wait bool) (data []byte, err error) {
	var failed error
	n := 0
	err = c.raw.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), c.buffer)
		return !wait || !errors.Is(failed, syscall.EAGAIN)
	})
	if errors.Is(failed, syscall.EAGAIN) {
		failed, n = nil, 0
	}
	return c.buffer[:max(n, 0)], errors.Join(err, failed)
}

// errInterrupted says that the rules changed while they were read.
var errInterrupted = errors.New("the rules changed while they were read")

// ask sends a request and calls f with each answer, whose data is valid during the
// call. A dump of what is not there has none. Where flags ask for an acknowledgement,
// answers may come before it.
func (c *Conn) ask(kind, flags uint16, family byte, attrs []byte, f func(message) error) error {
	var b batch
	b.begin(kind, syscall.NLM_F_REQUEST|flags, family)
	b.data = append(b.data, attrs...)
	b.end()
	if err := c.send(b.data); err != nil {
		return err
	}
	var failed error
	for {
		data, err := c.receive(true)
		if err != nil {
			return err
		}
		done := flags&(syscall.NLM_F_DUMP|ack) == 0
		err = eachMessage(data, func(m message) {
			switch {
			case m.kind == syscall.NLMSG_DONE || m.kind == syscall.NLMSG_ERROR:
				if done = true; m.errno != 0 && m.errno != syscall.ENOENT && failed == nil {
					failed = m.errno
				}
			case m.flags&interrupted != 0:
				failed = errInterrupted
			case failed == nil:
				failed = f(m)
			}
		})
		if err != nil || done {
			return errors.Join(err, failed)
		}
	}
}

// eachMessage calls f with the messages of one read.
func eachMessage(data []byte, f func(message)) error {
	for len(data) >= syscall.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(data))
		if size < syscall.NLMSG_HDRLEN+attributeHeader || size > len(data) {
			return fmt.Errorf("a netlink message of %d bytes in %d", size, len(data))
		}
		m := message{kind: binary.NativeEndian.Uint16(data[4:]), flags: binary.NativeEndian.Uint16(data[6:]), seq: binary.NativeEndian.Uint32(data[8:])}
		body := data[syscall.NLMSG_HDRLEN:size]
		if m.kind == syscall.NLMSG_ERROR {
			m.errno = syscall.Errno(-int32(binary.NativeEndian.Uint32(body)))
		} else {
			m.family, m.data = body[0], body[attributeHeader:]
		}
		f(m)
		data = data[min(len(data), (size+3)&^3):]
	}
	return nil
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

// batch is messages that are being written.
type batch struct {
	data  []byte
	open  []int // where the messages and attributes start that are being written
	seq   uint32
	steps []step // what each message does
}

func (b *batch) begin(kind, flags uint16, family byte) {
	b.beginRaw(subsystemNFTables<<8|kind, flags, family, 0)
}

// beginRaw begins a message with struct nlmsghdr and struct nfgenmsg.
func (b *batch) beginRaw(kind, flags uint16, family byte, resource uint16) {
	b.open = append(b.open, len(b.data))
	b.data = append(b.data, 0, 0, 0, 0)
	b.data = binary.NativeEndian.AppendUint16(b.data, kind)
	b.data = binary.NativeEndian.AppendUint16(b.data, flags)
	b.data = binary.NativeEndian.AppendUint32(b.data, b.seq)
	b.data = append(b.data, 0, 0, 0, 0, family, 0)
	b.data = binary.BigEndian.AppendUint16(b.data, resource)
	b.seq++
}

// end ends the message.
func (b *batch) end() {
	at := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	binary.NativeEndian.PutUint32(b.data[at:], uint32(len(b.data)-at))
}

func (b *batch) beginList(kind uint16) {
	b.open = append(b.open, len(b.data))
	b.data = append(b.data, 0, 0)
	b.data = binary.NativeEndian.AppendUint16(b.data, kind|nested)
}

func (b *batch) endList() {
	at := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	binary.NativeEndian.PutUint16(b.data[at:], uint16(len(b.data)-at))
}

func (b *batch) bytes(kind uint16, value []byte) { b.data = appendAttribute(b.data, kind, value) }

func (b *batch) string(kind uint16, value string) {
	b.data = appendAttribute(b.data, kind, append([]byte(value), 0))
}

func (b *batch) number(kind uint16, value uint32) {
	b.data = appendAttribute(b.data, kind, binary.BigEndian.AppendUint32(nil, value))
}

func (b *batch) number64(kind uint16, value uint64) {
	b.data = appendAttribute(b.data, kind, binary.BigEndian.AppendUint64(nil, value))
}

// appendAttribute appends struct nlattr and the value, filled up to four bytes.
func appendAttribute(data []byte, kind uint16, value []byte) []byte {
	data = binary.NativeEndian.AppendUint16(data, uint16(attributeHeader+len(value)))
	data = binary.NativeEndian.AppendUint16(data, kind)
	data = append(data, value...)
	for len(data)%4 != 0 {
		data = append(data, 0)
	}
	return data
}
