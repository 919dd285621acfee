package wire

import (
	"bytes"
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/ecr/schemas"
	"github.com/aws/smithy-go"
)

// Write returns the body of a response: an output, merged with its overlay where there is one, else nil. Members that are nil are left out, a list that is empty is [], a flag is there
// whether it is set or not, and a time is a number of seconds since 1970 with up to three decimals.
func Write(out smithy.Serializable, over any) []byte {
	var size estimate
	out.Serialize(&size)
	e := encoder{text: make([]byte, 0, size.bytes)}
	if over != nil {
		m := merger{encoder: e, overlay: reflect.ValueOf(over)}
		out.Serialize(&m)
		return m.text
	}
	out.Serialize(&e)
	return e.text
}

// An estimate is about what an output takes on the wire, so that a page is written into one piece of memory: growing
// to its size would cost as much as writing it.
type estimate struct {
	smithy.ShapeSerializer // nil: for the kinds of values that no shape of ECR holds

	bytes int
}

// around is what stands around a value, and most that is not a string takes as a whole.
const around = 32

func (e *estimate) WriteStruct(*smithy.Schema)             { e.bytes += around }
func (e *estimate) CloseStruct()                           {}
func (e *estimate) WriteList(*smithy.Schema)               { e.bytes += around }
func (e *estimate) CloseList()                             {}
func (e *estimate) WriteMap(*smithy.Schema)                { e.bytes += around }
func (e *estimate) CloseMap()                              {}
func (e *estimate) WriteKey(_ *smithy.Schema, k string)    { e.bytes += around + len(k) }
func (e *estimate) WriteString(_ *smithy.Schema, v string) { e.bytes += around + len(v) + len(v)/8 }
func (e *estimate) WriteBlob(_ *smithy.Schema, v []byte) {
	e.bytes += around + base64.StdEncoding.EncodedLen(len(v))
}
func (e *estimate) WriteBool(*smithy.Schema, bool)       { e.bytes += around }
func (e *estimate) WriteInt32(*smithy.Schema, int32)     { e.bytes += around }
func (e *estimate) WriteInt64(*smithy.Schema, int64)     { e.bytes += 2 * around }
func (e *estimate) WriteFloat64(*smithy.Schema, float64) { e.bytes += 2 * around }
func (e *estimate) WriteTime(*smithy.Schema, time.Time)  { e.bytes += 2 * around }

// An encoder writes what the SDK's shapes serialize. The SDK's own comes only with an HTTP request around it, which
// costs a small response several times as much.
type encoder struct {
	smithy.ShapeSerializer // nil: for the kinds of values that no shape of ECR holds

	text []byte

	// A bit for each open container, the innermost lowest; it is set for a list, whose elements have no names.
	lists uint64
	// flag is a member that an open container must have, and owing marks that container as lists does, until the
	// member is written. There is one at a time: nothing inside of such a container has a flag of its own.
	flag  *smithy.Schema
	owing uint64
}

// flagOf is the member of a structure that is true or false, nil for most. The SDK leaves it out when it is false,
// because it cannot tell that from nil; ECR does not.
func flagOf(s *smithy.Schema) *smithy.Schema {
	name := s.TargetID().Name
	if name == "" { // not the member of another structure
		name = s.ID().Name
	}
	switch name {
	case "ImageScanningConfiguration":
		return schemas.ImageScanningConfiguration_scanOnPush
	case "RepositoryScanningConfiguration":
		return schemas.RepositoryScanningConfiguration_scanOnPush
	case "ValidatePullThroughCacheRuleResponse":
		return schemas.ValidatePullThroughCacheRuleResponse_isValid
	default:
		return nil
	}
}

// begin writes what stands before a value: a comma where one is due, and in a structure the member's name.
func (e *encoder) begin(schema *smithy.Schema) {
	if len(e.text) == 0 {
		return
	}
	e.room(128)
	switch e.text[len(e.text)-1] {
	case ':':
		return
	case '{', '[':
	default:
		e.text = append(e.text, ',')
	}
	if e.lists&1 == 0 {
		e.text = append(e.text, '"')
		e.text = append(e.text, schema.MemberName()...)
		e.text = append(e.text, '"', ':')
	}
}

// room makes room for n bytes more. append grows by a quarter only: a page would be copied twice as often.
func (e *encoder) room(n int) {
	if cap(e.text)-len(e.text) < n {
		e.text = slices.Grow(e.text, max(n, cap(e.text)))
	}
}

func (e *encoder) open(schema *smithy.Schema, bracket byte, list uint64) {
	e.begin(schema)
	e.text = append(e.text, bracket)
	e.lists = e.lists<<1 | list
	e.owing <<= 1
}

func (e *encoder) close(bracket byte) {
	e.text = append(e.text, bracket)
	e.lists >>= 1
	e.owing >>= 1
}

func (e *encoder) WriteStruct(s *smithy.Schema) {
	e.open(s, '{', 0)
	if flag := flagOf(s); flag != nil {
		e.flag = flag
		e.owing |= 1
	}
}

func (e *encoder) CloseStruct() {
	if e.owing&1 == 1 {
		e.WriteBool(e.flag, false)
	}
	e.close('}')
}

func (e *encoder) WriteList(s *smithy.Schema) { e.open(s, '[', 1) }
func (e *encoder) CloseList()                 { e.close(']') }
func (e *encoder) WriteMap(s *smithy.Schema)  { e.open(s, '{', 0) }
func (e *encoder) CloseMap()                  { e.close('}') }

func (e *encoder) WriteKey(_ *smithy.Schema, key string) {
	if e.text[len(e.text)-1] != '{' {
		e.text = append(e.text, ',')
	}
	e.text = append(appendString(e.text, key), ':')
}

func (e *encoder) WriteString(s *smithy.Schema, v string) {
	e.begin(s)
	e.room(len(v) + len(v)/8) // some of it is escaped
	e.text = appendString(e.text, v)
}

func (e *encoder) WriteBlob(s *smithy.Schema, v []byte) {
	e.begin(s)
	e.text = append(base64.StdEncoding.AppendEncode(append(e.text, '"'), v), '"')
}

func (e *encoder) WriteBool(s *smithy.Schema, v bool) {
	e.begin(s)
	e.text = strconv.AppendBool(e.text, v)
	e.owing &^= 1
}

func (e *encoder) WriteInt32(s *smithy.Schema, v int32) { e.WriteInt64(s, int64(v)) }

func (e *encoder) WriteInt64(s *smithy.Schema, v int64) {
	e.begin(s)
	e.text = strconv.AppendInt(e.text, v, 10)
}

func (e *encoder) WriteFloat64(s *smithy.Schema, v float64) {
	e.begin(s)
	switch {
	case math.IsNaN(v):
		e.text = append(e.text, `"NaN"`...)
	case math.IsInf(v, 1):
		e.text = append(e.text, `"Infinity"`...)
	case math.IsInf(v, -1):
		e.text = append(e.text, `"-Infinity"`...)
	default:
		e.text = strconv.AppendFloat(e.text, v, 'f', -1, 64)
	}
}

func (e *encoder) WriteTime(s *smithy.Schema, v time.Time) {
	e.begin(s)
	millis := v.UnixMilli()
	if millis < 0 {
		e.text = strconv.AppendFloat(e.text, float64(millis)/1000, 'f', -1, 64)
		return
	}
	e.text = strconv.AppendInt(e.text, millis/1000, 10)
	if rest := int(millis % 1000); rest > 0 {
		decimals := []byte{'.', byte('0' + rest/100), byte('0' + rest/10%10), byte('0' + rest%10)}
		e.text = append(e.text, bytes.TrimRight(decimals, "0")...)
	}
}

// plain is the bytes that stand for themselves in a JSON string. Most texts have no others, and a look at a table
// takes half of what the comparisons do.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString appends a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(text []byte, s string) []byte {
	const hex = "0123456789abcdef"
	text = append(text, '"')
	start, ascii := 0, true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plain[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			if ascii {
				s, ascii = s[:i]+strings.ToValidUTF8(s[i:], "\uFFFD"), false
			}
			continue
		}
		text = append(text, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			text = append(text, '\\', c)
		case '\n':
			text = append(text, '\\', 'n')
		case '\r':
			text = append(text, '\\', 'r')
		case '\t':
			text = append(text, '\\', 't')
		default:
			text = append(text, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(text, s[start:]...), '"')
}
