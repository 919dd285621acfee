package exchange

import "net/http"

// Header is the header of an answer. Those fields that answers have, have their room in
// it, where a map would be made for each answer to be copied into the connection's.
type Header struct {
	fields []field
	room   [5]field
}

type field struct {
	name   string
	values []string
	one    [1]string
}

// Get is the first value of a field, or "".
func (h *Header) Get(name string) string {
	name = http.CanonicalHeaderKey(name)
	for i := range h.fields {
		if f := &h.fields[i]; f.name == name && len(f.values) > 0 {
			return f.values[0]
		}
	}
	return ""
}

// Set gives a field a value, in place of those that it has.
func (h *Header) Set(name, value string) {
	f := h.field(name)
	f.one[0] = value
	f.values = f.one[:]
}

// SetAll gives a field values, which are kept, in place of those that it has.
func (h *Header) SetAll(name string, values []string) { h.field(name).values = values }

// Add gives a field one more value.
func (h *Header) Add(name, value string) {
	f := h.field(name)
	f.values = append(f.values, value)
}

func (h *Header) field(name string) *field {
	name = http.CanonicalHeaderKey(name)
	for i := range h.fields {
		if h.fields[i].name == name {
			return &h.fields[i]
		}
	}
	if h.fields == nil {
		h.fields = h.room[:0]
	}
	h.fields = append(h.fields, field{name: name})
	return &h.fields[len(h.fields)-1]
}

// Write sets the fields in a header of net/http.
func (h *Header) Write(to http.Header) {
	for i := range h.fields {
		to[h.fields[i].name] = h.fields[i].values
	}
}
