package oci

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
)

// mostListed is how many items a page may have.
const mostListed = 1000

// page is the part of a list that a request asks for. In ECR its last item is the
// token of the API, in the spec a name.
type page struct {
	size *int32
	last *string
	// none asks for a list of nothing.
	none bool
}

// page reads n and last.
func (r *request) page() (page, error) {
	query := r.URL.Query()
	p := page{last: orNil(query.Get("last"))}
	if !query.Has("n") {
		return p, nil
	}
	n, err := strconv.ParseInt(query.Get("n"), 10, 32) // of a number too large, the largest
	switch {
	case errors.Is(err, strconv.ErrSyntax) && r.Spec, n < 0 && r.Spec:
		return p, pageInvalid
	case errors.Is(err, strconv.ErrSyntax):
		return p, pageNotNumber
	case r.Spec:
		p.none = n == 0
		n = min(max(n, 1), mostListed)
	}
	p.size = aws.Int32(int32(n))
	return p, nil
}

// token is the last item in ECR's terms.
func (p *page) token(r *request) *string {
	if r.Spec {
		return nil
	}
	return p.last
}

// by has a list go by names, and on behind the last, where the spec wants it.
func (p *page) by(r *request, call *dispatch.Call) *dispatch.Call {
	if r.Spec {
		call.Tx.After = aws.String(aws.ToString(p.last))
	}
	return call
}

// listTags answers a page of the tags, of which ECR has no order.
func listTags(r *request) (*exchange.Answer, error) {
	p, err := r.page()
	if err != nil {
		return nil, err
	}
	out, err := do[ecr.ListImagesOutput](r, p.by(r, r.newCall("ListImages", &ecr.ListImagesInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		Filter:         &types.ListImagesFilter{TagStatus: types.TagStatusTagged},
		MaxResults:     p.size,
		NextToken:      p.token(r),
	})))
	if err != nil {
		return nil, err
	}
	tags := []string{}
	for _, id := range out.ImageIds {
		tags = append(tags, aws.ToString(id.ImageTag))
	}
	return r.list(p, tags, out.NextToken, func(tags []string) any {
		return struct {
			Name string   `json:"name"`
			Tags []string `json:"tags"`
		}{r.repository, tags}
	})
}

// listRepositories answers a page of the catalog.
func listRepositories(r *request) (*exchange.Answer, error) {
	p, err := r.page()
	if err != nil {
		return nil, err
	}
	out, err := do[ecr.DescribeRepositoriesOutput](r, p.by(r, r.newCall("DescribeRepositories", &ecr.DescribeRepositoriesInput{
		RegistryId: &r.registry.Account,
		MaxResults: p.size,
		NextToken:  p.token(r),
	})))
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, repository := range out.Repositories {
		names = append(names, aws.ToString(repository.RepositoryName))
	}
	return r.list(p, names, out.NextToken, func(names []string) any {
		return struct {
			Repositories []string `json:"repositories"`
		}{names}
	})
}

// list answers a page of names in a form, and where the next one is. ECR leaves the
// type of its lists to be guessed.
func (r *request) list(p page, names []string, next *string, form func(names []string) any) (*exchange.Answer, error) {
	if p.none {
		names, next = names[:0], nil
	}
	body, err := json.Marshal(form(names))
	if err != nil {
		return nil, err
	}
	answer := exchange.New(http.StatusOK, "text/plain; charset=utf-8", body)
	if r.Spec {
		answer.Header.Set("Content-Type", "application/json")
	}
	if next != nil {
		query := url.Values{"last": {*next}}
		if r.Spec {
			query.Set("last", aws.ToString(p.last))
		}
		if r.Spec && len(names) > 0 {
			query.Set("last", names[len(names)-1])
		}
		if n := r.URL.Query().Get("n"); n != "" {
			query.Set("n", n)
		}
		answer.Header.Set("Link", "<"+r.at(r.URL.Path, query)+`>; rel="next"`)
	}
	return answer, nil
}
