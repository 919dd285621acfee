package transcript

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// compare compares an answer with what is claimed of it. Without a claim it has to be
// a success.
func (step *Step) compare(reply *Reply, b bindings) (all []Difference) {
	if step.Answer == nil || step.Answer.Main == nil {
		if !reply.succeeded() {
			all = append(all, Difference{Line: step.Line, Path: "status", Want: "success", Got: reply.String()})
		}
	} else {
		all = step.Answer.Main.compare(reply, b, step.Method == "")
	}
	if step.Answer == nil {
		return all
	}
	for _, header := range step.Answer.Headers {
		all = append(all, header.compare(reply.Header, b)...)
	}
	return all
}

func (c *Claim) compare(reply *Reply, b bindings, api bool) []Difference {
	all := c.compareStatus(reply)
	if all == nil {
		switch {
		case c.Code != "":
			all = c.compareFailure(reply, b)
		case c.Body != nil:
			all = compareBody(c.Body, reply, b)
		}
	}
	return at(c.line, all)
}

// at says where claims stand.
func at(l *line, all []Difference) []Difference {
	for i := range all {
		all[i].Line, all[i].Chosen = l.number, l.mark == "<?"
	}
	return all
}

func (c *Claim) compareStatus(reply *Reply) []Difference {
	if c.Status == 0 && 200 <= reply.Status && reply.Status < 300 || c.Status == reply.Status {
		return nil
	}
	want := "success"
	if c.Status != 0 {
		want = strings.TrimSpace(fmt.Sprintf("%d %s", c.Status, c.Code))
	}
	return []Difference{{Path: "status", Want: want, Got: reply.String()}}
}

func (c *Claim) compareFailure(reply *Reply, b bindings) (all []Difference) {
	body, err := decode(reply.Body)
	members, is := body.(map[string]any)
	if err != nil || !is {
		return []Difference{{Path: "body", Want: "an error of the API", Got: reply.String()}}
	}
	if members["__type"] != c.Code {
		all = append(all, Difference{Path: "__type", Want: quote(c.Code), Got: show(members["__type"])})
	}
	if c.Message != nil {
		all = append(all, match("message", &Value{kind: text, text: c.Message}, members["message"], b)...)
	}
	if c.Body == nil {
		return all
	}
	further := map[string]any{}
	for name, value := range members {
		if name != "__type" && name != "message" {
			further[name] = value
		}
	}
	return append(all, match("", c.Body.Value, further, b)...)
}

func compareBody(want *Body, reply *Reply, b bindings) []Difference {
	differs := func(claimed string) []Difference {
		return []Difference{{Path: "body", Want: claimed, Got: nothing(quoteBytes(reply.Body))}}
	}
	if content, is := made(want.Content); is {
		if !bytes.Equal(content.bytes, reply.Body) {
			return differs("the bytes of " + want.Content)
		}
		return nil
	}
	if want.Value.kind == text {
		if !want.Value.text.matches(string(reply.Body), b) {
			return differs(want.Value.show(b))
		}
		return nil
	}
	body, err := decode(reply.Body)
	if err != nil {
		return differs(want.Value.show(b))
	}
	return match("", want.Value, body, b)
}

// quoteBytes is a body as people read it.
func quoteBytes(body []byte) string {
	const most = 300
	if len(body) > most {
		return quote(strings.ToValidUTF8(string(body[:most]), "?")) + "…"
	}
	return quote(strings.ToValidUTF8(string(body), "?"))
}

func (h *HeaderClaim) compare(got http.Header, b bindings) []Difference {
	values, has := got[http.CanonicalHeaderKey(h.Name)]
	found := Difference{Path: "header " + h.Name, Got: strings.Join(values, ", ")}
	switch {
	case h.Absent && !has:
		return nil
	case h.Absent:
	case has && h.Value.matches(found.Got, b):
		return nil
	default:
		found.Want = h.Value.show(b)
	}
	return at(h.line, []Difference{found})
}
