package entrance

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/scenarios"
)

// domains are what the names of AWS end with, in all of its partitions and for
// IPv4 and both versions of IP.
const domains = `\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|(?:api|on)\.aws|(?:api|on)\.amazonwebservices\.(?:com\.cn|eu)` +
	`|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov` +
	`|api\.aws\.(?:ic\.gov|scloud|hci\.ic\.gov)|api\.cloud-aws\.adc-e\.uk)$`

var (
	// ecrHost is a host of the API or of a registry: api.ecr.REGION or
	// ACCOUNT.dkr.ecr.REGION, under a domain of AWS.
	ecrHost = regexp.MustCompile(`^(?:(?:api\.)?ecr(?:-fips)?|([0-9]{12})\.dkr[.-]ecr(?:-fips)?)\.([a-z0-9-]+)` + domains)
	// registryHost is that of a registry under any domain, such as localhost.
	registryHost = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.`)
	// identityHost is a host of the services of [scenarios.Identity]. That of STS for the
	// whole partition names no region.
	identityHost = regexp.MustCompile(`^(?:sts(?:-fips)?(?:\.([a-z0-9-]+))?|(?:api\.)?ecr-public\.([a-z0-9-]+))` + domains)
	// storeHost is a host of download URLs.
	storeHost = regexp.MustCompile(`^prod-([a-z0-9-]+)-starport-layer-bucket\.s3\.([a-z0-9-]+)` + domains)
)

// IsRegistryHost tells whether a name is that of a registry's endpoint for images.
func IsRegistryHost(host string) bool {
	names := ecrHost.FindStringSubmatch(hostname(host))
	return names != nil && names[1] != "" || registryHost.MatchString(hostname(host))
}

func hostname(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return strings.ToLower(name)
}

// keyOf is the registry that a request is for: the one that its host names, else
// the one of its signature's scope, in which an access key of 12 digits is an
// account, else the default.
func keyOf(req *http.Request, otherwise registry.Place) registry.Place {
	place := otherwise
	if account, region, ok := credentialScope(req.Header.Get("Authorization")); ok {
		place.Region = region
		if constraint.ValidRegistryID(account) {
			place.Account = account
		}
	}
	host := hostKey(req)
	return registry.Place{Account: cmp.Or(host.Account, place.Account), Region: cmp.Or(host.Region, place.Region)}
}

// hostKey is the registry that the host names, with empty members where it names
// none.
func hostKey(req *http.Request) (place registry.Place) {
	name := hostname(req.Host)
	names := ecrHost.FindStringSubmatch(name)
	if names == nil {
		names = registryHost.FindStringSubmatch(name)
	}
	if names != nil {
		place.Account, place.Region = names[1], names[2]
	}
	if names := identityHost.FindStringSubmatch(name); names != nil {
		place.Region = cmp.Or(names[1], names[2])
	}
	return place
}

// identify finds out whose a request is that is to be signed for a service.
func (e *Entrance) identify(req *http.Request, service, downloads string) *exchange.Request {
	body, authenticate := e.signed(req, service)
	return &exchange.Request{
		Request: req, Caller: e.callerOf(req), Face: cmp.Or(e.Face, scenarios.FaceAPI), Origin: originOf(req), Downloads: downloads,
		Content: body, Authenticate: authenticate,
	}
}

// callerOf is the registry that a request calls, and the principal that signed
// it.
func (e *Entrance) callerOf(req *http.Request) stage.Caller {
	caller := e.Default.At(keyOf(req, e.Default.Place))
	accessKey, _, _ := credentialScope(req.Header.Get("Authorization"))
	account := e.Credentials[accessKey].AccountID
	switch arn, known := e.Stage.World.Holder(accessKey); {
	case known:
		caller.ARN, caller.Account = arn, policy.AccountOf(arn)
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
func credentialScope(authorization string) (accessKey, region string, ok bool) {
	parts := scope(authorization)
	if parts == nil || !naming.IsRegion(parts[2]) {
		return "", "", false
	}
	return parts[0], parts[2], true
}

// signedFor is the service that a request was signed for, "" without a signature.
func signedFor(authorization string) string {
	parts := scope(authorization)
	if parts == nil {
		return ""
	}
	return parts[3]
}

// scope is the five parts of the credential in a SigV4 signature, or nil.
func scope(authorization string) []string {
	_, credential, found := strings.Cut(authorization, "Credential=")
	if !found || !strings.HasPrefix(authorization, algorithm+" ") {
		return nil
	}
	credential, _, _ = strings.Cut(credential, ",")
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		return parts
	}
	return nil
}

// originOf begins the URIs of an answer: where the request came to, or nothing if it
// came to a name of ECR, which they have as well.
func originOf(req *http.Request) string {
	if ecrHost.MatchString(hostname(req.Host)) {
		return ""
	}
	return exchange.Origin(req)
}

// storeOf begins the download URLs of an answer that a [Transport] carries: nothing,
// which is the region's store, if the request came to a name of ECR, since the
// transport carries the store's as well. A port is the client's own, and stays. On a
// socket nobody knows where the store's name leads.
func storeOf(req *http.Request) string {
	if ecrHost.MatchString(strings.ToLower(req.Host)) {
		return ""
	}
	return exchange.Origin(req)
}
