package entrance

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	signingTime = "20060102T150405Z"
	// signatureLifetime is how far a client's clock may be off, either way.
	signatureLifetime = 5 * time.Minute
	// urlLifetime is how long a signed URL is good for that does not say it, and
	// longestURL how long one may say.
	urlLifetime = 15 * time.Minute
	longestURL  = 7 * 24 * time.Hour
)

// signedRequest is a request whose body is hashed while it is read.
type signedRequest struct {
	entrance *Entrance
	*http.Request
	// service is the one that the request is for.
	service string
	// content is the body, as far as ECR reads it.
	content io.Reader
	payload hash.Hash
}

// signedBody is the body of a request to a service, and what is wrong with the signature
// of the request once the body was read. Without WithSigV4 signatures are not looked at,
// but for whether the session has ended whose key it is by.
func (e *Entrance) signedBody(req *http.Request, service string) (body io.Reader, authenticate func() error) {
	if e.Credentials == nil {
		return req.Body, func() error {
			accessKey, _, _ := credentialScope(req)
			return e.inSession(accessKey)
		}
	}
	s := &signedRequest{entrance: e, Request: req, service: service, payload: sha256.New()}
	s.content = io.TeeReader(http.MaxBytesReader(nil, req.Body, wire.MaxBody), s.payload)
	return s.content, s.authenticate
}

// authenticate answers as AWS does, in whose JSON services all of these refusals
// have status 400. A body without an end is refused whoever signed it.
func (s *signedRequest) authenticate() error {
	if _, err := io.Copy(io.Discard, s.content); err != nil {
		return wire.Unreadable(err)
	}
	signature, err := parseSignature(s.Request, s.service)
	if err != nil {
		return err
	}
	if err := signature.covers(s.Header); err != nil {
		return err
	}
	credentials, known := s.entrance.credentials(signature.accessKey)
	if !known || signature.token != credentials.SessionToken {
		return refused("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if err := s.entrance.inSession(signature.accessKey); err != nil {
		return err
	}
	if err := signature.inTime(time.Now().UTC()); err != nil {
		return err
	}
	canonical := canonicalRequest(s.Request, signature.headers, s.payload.Sum(nil))
	expected := signature.over(canonical, credentials.SecretAccessKey)
	if subtle.ConstantTimeCompare([]byte(expected), []byte(signature.value)) != 1 {
		return refused("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// inSession refuses the key of a session that has ended, by the world's clock.
func (e *Entrance) inSession(accessKey string) error {
	session, of := e.Stage.World.Session(accessKey)
	if of && !e.Stage.World.Now().Before(session.Expires) {
		return refused("ExpiredTokenException", "The security token included in the request is expired")
	}
	return nil
}

// credentials are those of an access key: the ones given with WithSigV4, those of a
// session, or the fake's own.
func (e *Entrance) credentials(accessKey string) (aws.Credentials, bool) {
	if given, found := e.Credentials[accessKey]; found {
		return given, true
	}
	if s, of := e.Stage.World.Session(accessKey); of {
		return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: s.Secret, SessionToken: s.Token}, true
	}
	_, holder := e.Stage.World.Holder(accessKey)
	own := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: SecretAccessKey}
	return own, holder || constraint.ValidRegistryID(accessKey)
}

// signature is what a request says of its signature.
type signature struct {
	accessKey string
	// scope is the day, the region, the service and the terminator.
	scope   []string
	headers []string
	value   string
	// token is that of the session whose key it is by.
	token string
	at    time.Time
	// dated is the header that tells when it was made, "" for a URL, and lifetime is how
	// long it is good for.
	dated    string
	lifetime time.Duration
}

// presigned is the query of a request that has its signature there: whoever has its URL
// may make it. The tokens of Kubernetes' clusters in AWS are such URLs.
func presigned(req *http.Request) (query url.Values, is bool) {
	if req.URL.RawQuery == "" || req.Header.Get("Authorization") != "" {
		return nil, false
	}
	query = req.URL.Query()
	return query, query.Get("X-Amz-Algorithm") == algorithm
}

// parsePresigned reads the signature in a query:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
func parsePresigned(query url.Values, service string) (*signature, error) {
	var missing []string
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			missing = append(missing, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	if missing != nil {
		return nil, refused("IncompleteSignatureException", strings.Join(missing, " ")+" Re-examine the query-string parameters.")
	}
	at, err := parseDate(query.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	lifetime := urlLifetime
	if expires := query.Get("X-Amz-Expires"); query.Has("X-Amz-Expires") {
		seconds, err := strconv.ParseUint(expires, 10, 32)
		lifetime = time.Duration(seconds) * time.Second
		if err != nil || lifetime == 0 || lifetime > longestURL {
			return nil, refused("IncompleteSignatureException", "X-Amz-Expires must be a number of seconds between 1 and a week. Got '"+expires+"'")
		}
	}
	s := &signature{
		headers: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"), value: query.Get("X-Amz-Signature"),
		token: query.Get("X-Amz-Security-Token"), at: at, lifetime: lifetime,
	}
	return s, s.readScope(query.Get("X-Amz-Credential"), service)
}

func parseSignature(req *http.Request, service string) (*signature, error) {
	if query, is := presigned(req); is {
		return parsePresigned(query, service)
	}
	header := req.Header
	authorization := header.Get("Authorization")
	parameters, signed := strings.CutPrefix(authorization, algorithm+" ")
	if !signed {
		return nil, refused("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	given := map[string]string{}
	for _, parameter := range strings.Split(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		given[name] = value
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if given[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	dated := dateHeader(header)
	date := header.Get(dated)
	if date == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return nil, refused("IncompleteSignatureException", strings.Join(missing, " ")+" Authorization="+authorization)
	}
	at, err := parseDate(date)
	if err != nil {
		return nil, err
	}
	s := &signature{
		headers: strings.Split(given["SignedHeaders"], ";"), value: given["Signature"],
		token: header.Get("X-Amz-Security-Token"), at: at, dated: dated, lifetime: signatureLifetime,
	}
	return s, s.readScope(given["Credential"], service)
}

// dateHeader is the header that tells when a request was signed.
func dateHeader(header http.Header) string {
	if header.Get("X-Amz-Date") != "" {
		return "X-Amz-Date"
	}
	return "Date"
}

// parseDate reads a date in the form of X-Amz-Date or in that of HTTP.
func parseDate(date string) (time.Time, error) {
	at, err := time.Parse(signingTime, date)
	if err != nil {
		at, err = http.ParseTime(date)
	}
	if err != nil {
		return at, refused("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '"+date+"'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	return at.UTC(), nil
}

// covers refuses a signature that leaves out what must be signed: the host, the
// date and every X-Amz header.
func (s *signature) covers(header http.Header) error {
	unsigned := func(name string) bool {
		return !slices.ContainsFunc(s.headers, func(signed string) bool { return strings.EqualFold(signed, name) })
	}
	if unsigned("Host") {
		return refused("InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if (name == s.dated || strings.HasPrefix(name, "X-Amz-")) && unsigned(name) {
			return refused("InvalidSignatureException", "'"+name+"' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}

// readScope reads a credential: KEY/YYYYMMDD/REGION/SERVICE/aws4_request.
func (s *signature) readScope(credential, service string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return refused("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+credential+"'")
	}
	s.accessKey, s.scope = parts[0], parts[1:]
	day := s.at.Format("20060102")
	switch {
	case !naming.IsRegion(s.scope[1]):
		return refused("InvalidSignatureException", "Credential should be scoped to a valid region.")
	case s.scope[2] != service:
		return refused("InvalidSignatureException", "Credential should be scoped to correct service: '"+service+"'.")
	case s.scope[3] != "aws4_request":
		return refused("InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request'.")
	case s.scope[0] != day:
		return refused("InvalidSignatureException", fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.scope[0], day, s.at.Format(signingTime)))
	}
	return nil
}

func (s *signature) inTime(now time.Time) error {
	stamp := func(t time.Time) string { return t.Format(signingTime) }
	earliest, latest := now.Add(-s.lifetime), now.Add(signatureLifetime)
	switch {
	case s.at.Before(earliest):
		return refused("InvalidSignatureException", fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)", stamp(s.at), stamp(earliest), stamp(now), inWords(s.lifetime)))
	case s.at.After(latest):
		return refused("InvalidSignatureException", fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)", stamp(s.at), stamp(latest), stamp(now)))
	}
	return nil
}

func inWords(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

func refused(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
