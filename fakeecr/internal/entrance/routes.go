package entrance

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// placeOf is the registry that a request is for: the one that its host names, else
// the one of its signature's scope, in which an access key of 12 digits is an
// account, else the default.
func placeOf(req *http.Request, otherwise registry.Place) registry.Place {
	place := otherwise
	if account, region, ok := credentialScope(req); ok {
		place.Region = region
		if constraint.ValidRegistryID(account) {
			place.Account = account
		}
	}
	host := naming.ParseHost(req.Host).Place
	return registry.Place{Account: cmp.Or(host.Account, place.Account), Region: cmp.Or(host.Region, place.Region)}
}

// identify finds out whose a request is that is to be signed for a service.
func (e *Entrance) identify(req *http.Request, service, downloads string) *exchange.Request {
	body, authenticate := e.signedBody(req, service)
	return &exchange.Request{
		Request: req, Caller: e.callerOf(req), Face: cmp.Or(e.Face, scenarios.FaceAPI), Origin: originOf(req), Downloads: downloads,
		Content: body, Authenticate: authenticate,
	}
}

// callerOf is the registry that a request calls, and the principal that signed
// it.
func (e *Entrance) callerOf(req *http.Request) stage.Caller {
	caller := e.Default.At(placeOf(req, e.Default.Place))
	accessKey, _, _ := credentialScope(req)
	account := e.Credentials[accessKey].AccountID
	switch arn, known := e.Stage.World.Holder(accessKey); {
	case known:
		caller.ARN, caller.Account = arn, naming.AccountOf(arn)
		if _, of := e.Stage.World.Session(accessKey); of {
			caller.Session = accessKey
		}
	case account != "":
		caller = caller.As(stage.Own(registry.Place{Account: account, Region: caller.Region}))
	case constraint.ValidRegistryID(accessKey):
		caller = caller.As(stage.Own(caller.Place))
	}
	return caller
}

// credentialScope reads the access key and the region of a SigV4 signature.
func credentialScope(req *http.Request) (accessKey, region string, ok bool) {
	parts := scope(req)
	if parts == nil || !naming.IsRegion(parts[2]) {
		return "", "", false
	}
	return parts[0], parts[2], true
}

// signedFor is the service that a request was signed for, "" without a signature.
func signedFor(req *http.Request) string {
	parts := scope(req)
	if parts == nil {
		return ""
	}
	return parts[3]
}

// scope is the five parts of the credential in a SigV4 signature, or nil.
func scope(req *http.Request) []string {
	credential := ""
	if query, is := presigned(req); is {
		credential = query.Get("X-Amz-Credential")
	} else if parameters, signed := strings.CutPrefix(req.Header.Get("Authorization"), algorithm+" "); signed {
		_, credential, _ = strings.Cut(parameters, "Credential=")
		credential, _, _ = strings.Cut(credential, ",")
	}
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		return parts
	}
	return nil
}

// originOf begins the URIs of an answer: where the request came to, or nothing if it
// came to a name of ECR, which they have as well.
func originOf(req *http.Request) string {
	if naming.ParseHost(req.Host).OfECR() {
		return ""
	}
	return exchange.Origin(req)
}

// storeOf begins the download URLs of an answer that goes through a [Transport] or a
// [Proxy]: nothing, which is the region's store, if the request came to a name of ECR,
// since these lead to the store as well. A port is the client's own, and stays. On
// another socket nobody knows where the store's name leads.
func storeOf(req *http.Request) string {
	if naming.ParseHost(req.Host).OfECR() && !strings.Contains(req.Host, ":") {
		return ""
	}
	return exchange.Origin(req)
}
