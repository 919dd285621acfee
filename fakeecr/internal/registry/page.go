package registry

import (
	"github.com/fakeecr/ecr/fakeecr/internal/page"
)

// defaultPage is the size of a page when the caller does not choose one.
const defaultPage = 100

// pages reads one page of a walk in order of keys.
type pages struct {
	tx *Tx
	// what is listed, and of which resource.
	list, of string
	limit    int
	// short tells that the page has less room than the caller gave it.
	short bool
	// start is the key at which the page begins, last the one it ends with.
	start, last string
}

// newPage reads maxResults and nextToken of an operation that lists what a resource
// has. A token of another list is refused.
func (tx *Tx) newPage(list, of string, maxResults *int32, nextToken *string) (*pages, error) {
	p := &pages{tx: tx, list: list, of: of, limit: defaultPage}
	if maxResults != nil {
		p.limit = int(*maxResults)
	}
	if tx.Page != nil && *tx.Page < p.limit {
		p.limit, p.short = *tx.Page, true
	}
	if tx.After != nil {
		p.start = *tx.After + "\x00"
	}
	if nextToken != nil {
		position, ok := page.Position(p.scope(), *nextToken)
		if !ok {
			return nil, invalidParameter("nextToken", "Invalid token")
		}
		p.last = position
		p.start = position + "\x00"
	}
	return p, nil
}

// scope is what a token is good for.
func (p *pages) scope() string { return p.list + " " + p.of }

// most is how many of n items the page may have.
func (p *pages) most(n int) int { return min(p.limit, n) }

// full tells, before another item is added, that the page has its n items.
func (p *pages) full(n int) bool { return n >= p.limit }

// next is the token of the page after this one. That of an empty page leads to where
// it began.
func (p *pages) next() *string {
	p.tx.Shortened = p.short
	token := page.Token(p.scope(), p.last)
	return &token
}

// pagingMember names the member that may not stand beside ids.
func pagingMember(nextToken *string) string {
	if nextToken != nil {
		return "nextToken"
	}
	return "maxResults"
}
