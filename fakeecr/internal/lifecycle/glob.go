package lifecycle

import "strings"

// A glob matches whole tags; '*' stands for any number of characters, nothing else is special.
type glob struct {
	head   string   // before the first '*', or all of it when exact
	middle []string // between stars
	tail   string   // after the last '*'
	exact  bool     // no '*'
}

func newGlob(pattern string) glob {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return glob{head: pattern, exact: true}
	}
	return glob{head: parts[0], middle: parts[1:last], tail: parts[last]}
}

func (g *glob) match(tag string) bool {
	if g.exact {
		return tag == g.head
	}
	if len(tag) < len(g.head)+len(g.tail) || !strings.HasPrefix(tag, g.head) || !strings.HasSuffix(tag, g.tail) {
		return false
	}
	rest := tag[len(g.head) : len(tag)-len(g.tail)]
	for _, part := range g.middle { // the leftmost fit leaves the most for the parts that follow
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return true
}
