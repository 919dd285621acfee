package oci

import (
	"cmp"
	"fmt"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
)

// user is the name that goes with the password of GetAuthorizationToken.
const user = "AWS"

// authenticate finds out who calls which registry. The token says it, but for the
// registry where the host names one. An open endpoint believes a token of its own,
// however old, and asks for none.
func (r *request) authenticate(host registry.Place) (refused error) {
	r.registry, r.caller = r.Default.Place, r.Default
	name, password, given := r.BasicAuth()
	var token registry.Authorization
	known := false
	if given && name == user {
		var err error
		token, err = r.Stage.World.Verify(password)
		known = err == nil
	}
	switch {
	case known:
		r.token, r.registry = token, token.Place
		r.caller = r.Default.As(stage.Caller{Place: registry.Place{Account: naming.AccountOf(token.Caller)}, ARN: token.Caller, Session: token.Session})
		if !r.Open && !r.Stage.World.Now().Before(token.Expires) {
			refused = tokenExpired
		}
	case !r.Open:
		r.caller.ARN = "" // nobody's
		refused = r.unauthorized()
	}
	r.registry.Account = cmp.Or(host.Account, r.registry.Account)
	r.registry.Region = cmp.Or(host.Region, r.registry.Region)
	r.caller = r.caller.At(registry.Place{Account: r.caller.Account, Region: r.registry.Region})
	return refused
}

// unauthorized is the challenge to a request without credentials, or with those of
// nobody.
func (r *request) unauthorized() error {
	return &refusal{
		status: 401, message: "Not Authorized",
		challenge: fmt.Sprintf(`Basic realm=%q,service="ecr.amazonaws.com"`, exchange.Origin(r.Request)+"/"),
	}
}
