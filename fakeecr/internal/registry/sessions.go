package registry

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/scenarios"
)

// What STS answers is as its API reference says:
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html.

// Session is one of a role, and the keys that call in its name until it ends.
type Session struct {
	AccessKey, Secret, Token string
	// ARN is the session's own and Role the role's.
	ARN, Role string
	Expires   time.Time
	// policy is what narrows the role's rights, nil without one.
	policy *policy.Document
}

// sessionKey begins the access keys of sessions.
const sessionKey = "ASIA"

// Session is the session that an access key is of.
func (w *World) Session(accessKey string) (*Session, bool) {
	if !strings.HasPrefix(accessKey, sessionKey) {
		return nil, false
	}
	tx := w.NewTx(Place{}, "")
	return tx.read().sessions.Get(accessKey)
}

// session is the session that calls: that of the call's access key or, where only the
// ARN is known, the latest of it. A test that gave the ARN policies of its own means
// no session of STS.
func (tx *Tx) session() (*Session, bool) {
	sessions := tx.read().sessions
	if session, of := sessions.Get(tx.Session); of {
		return session, true
	}
	if tx.read().principals.Has(tx.Caller) {
		return nil, false
	}
	return sessions.Get(tx.Caller)
}

// GetCallerIdentity answers who calls, whatever policies say.
func (tx *Tx) GetCallerIdentity(context.Context, *scenarios.GetCallerIdentityInput) (*scenarios.GetCallerIdentityOutput, error) {
	id := idOf(tx.Caller)
	if session, of := tx.session(); of {
		id = session.id()
	}
	return &scenarios.GetCallerIdentityOutput{UserId: &id, Account: aws.String(tx.Account), Arn: aws.String(tx.Caller)}, nil
}

// AssumeRole begins a session of a role for the caller. Whom a role trusts nobody
// tells the world: whoever may ask in its own account, and of others whoever is
// allowed to.
func (tx *Tx) AssumeRole(_ context.Context, in *scenarios.AssumeRoleInput) (*scenarios.AssumeRoleOutput, error) {
	if err := checkAssumption(in.RoleArn, in.RoleSessionName, in.DurationSeconds); err != nil {
		return nil, err
	}
	if err := tx.mayAssume(*in.RoleArn); err != nil {
		return nil, err
	}
	if _, chained := tx.session(); chained && seconds(in.DurationSeconds) > longestChained {
		return nil, stsValidation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	session, err := tx.begin(*in.RoleArn, *in.RoleSessionName, in.DurationSeconds, in.Policy)
	if err != nil {
		return nil, err
	}
	return &scenarios.AssumeRoleOutput{Credentials: session.credentials(), AssumedRoleUser: session.user(), SourceIdentity: in.SourceIdentity}, nil
}

// mayAssume refuses whom its policies do not let assume a role.
func (tx *Tx) mayAssume(role string) error {
	account, _ := naming.ParseRoleARN(role)
	access := Access{Action: "sts:AssumeRole", Resource: role, Registry: tx.Place}
	decision := tx.rights(tx.request(&access, nil))
	switch {
	case naming.KindOf(tx.Caller) == naming.Root:
		return rootAssumesNone()
	case decision == policy.Deny:
		return stsDenied(access.accessDenied(tx.Caller, "with an explicit deny in an identity-based policy"))
	case !tx.principalExists(role), decision != policy.Allow && account != tx.Account:
		return notTrusted(tx.Caller, role)
	}
	return nil
}

// AssumeRoleWithWebIdentity begins a session of a role for whoever has a token, which
// may be any. What it says of its subject is answered, if it is a JSON web token.
func (tx *Tx) AssumeRoleWithWebIdentity(_ context.Context, in *scenarios.AssumeRoleWithWebIdentityInput) (*scenarios.AssumeRoleWithWebIdentityOutput, error) {
	if err := checkAssumption(in.RoleArn, in.RoleSessionName, in.DurationSeconds, constrained{"webIdentityToken", tx.WebIdentityToken, 4, 20000, nil}); err != nil {
		return nil, err
	}
	if !tx.principalExists(*in.RoleArn) {
		return nil, notTrustedByWebIdentity()
	}
	session, err := tx.begin(*in.RoleArn, *in.RoleSessionName, in.DurationSeconds, in.Policy)
	if err != nil {
		return nil, err
	}
	out := &scenarios.AssumeRoleWithWebIdentityOutput{Credentials: session.credentials(), AssumedRoleUser: session.user()}
	claims := claimsOf(*tx.WebIdentityToken)
	out.SubjectFromWebIdentityToken, out.Audience, out.Provider = claims.Subject, claims.audience(), claims.provider(*in.RoleArn, in.ProviderId)
	return out, nil
}

// begin begins a session. Its keys follow from the world's secret and its ids.
func (tx *Tx) begin(role, name string, duration *int32, text *string) (*Session, error) {
	root := tx.write()
	session := &Session{ARN: naming.SessionsOf(role) + name, Role: role, Expires: tx.Now().Add(seconds(duration)).Truncate(time.Second)}
	if text != nil {
		document, err := policy.ParseIdentity(*text)
		if err != nil {
			return nil, malformedPolicy(err)
		}
		session.policy = document
		tx.World.hasPolicies.Store(true)
	}
	random := tx.World.sessionBytes(tx.World.NewID())
	session.AccessKey = sessionKey + base32.StdEncoding.EncodeToString(random[:10])
	session.Secret = base64.StdEncoding.EncodeToString(random[10:40])
	session.Token = base64.StdEncoding.EncodeToString(random[40:])
	root.sessions.Set(root.Generation(), session.AccessKey, session)
	root.sessions.Set(root.Generation(), session.ARN, session)
	return session, nil
}

// sessionBytes is what the keys of a session with an id are made of.
func (w *World) sessionBytes(id string) (random []byte) {
	for _, part := range []string{"keys ", "token ", "more "} {
		mac := hmac.New(sha512.New, w.secret[:])
		mac.Write([]byte(part + id))
		random = mac.Sum(random)
	}
	return random
}

func (s *Session) credentials() *scenarios.SessionCredentials {
	return &scenarios.SessionCredentials{
		AccessKeyId: aws.String(s.AccessKey), SecretAccessKey: aws.String(s.Secret), SessionToken: aws.String(s.Token), Expiration: aws.Time(s.Expires),
	}
}

func (s *Session) user() *scenarios.AssumedRoleUser {
	return &scenarios.AssumedRoleUser{AssumedRoleId: aws.String(s.id()), Arn: aws.String(s.ARN)}
}

// id is the session's: that of its role, and its name.
func (s *Session) id() string { return idOf(s.Role) + ":" + naming.NameOf(s.ARN) }

// idOf is the unique id of a principal, in IAM's form. It follows from the ARN, so that
// it is the same in every run.
func idOf(arn string) string {
	prefix := "AIDA"
	switch naming.KindOf(arn) {
	case naming.Root:
		return naming.AccountOf(arn)
	case naming.Session:
		return idOf(naming.RoleOf(arn)) + ":" + naming.NameOf(arn)
	case naming.Role:
		prefix = "AROA"
	}
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// claims is what a JSON web token says of whoever has it.
type claims struct {
	Subject  *string         `json:"sub"`
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
}

// claimsOf reads a token, and nothing of one in another form.
func claimsOf(token string) (c claims) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(payload, &c) != nil {
			return claims{}
		}
	}
	return c
}

// audience is the first of those that the token is for.
func (c claims) audience() *string {
	var one string
	var several []string
	switch {
	case json.Unmarshal(c.Audience, &one) == nil && one != "":
		return &one
	case json.Unmarshal(c.Audience, &several) == nil && len(several) > 0:
		return &several[0]
	}
	return nil
}

// provider is the identity provider of the role's account that the token is from.
func (c claims) provider(role string, asked *string) *string {
	issuer, is := strings.CutPrefix(c.Issuer, "https://")
	if !is {
		return asked
	}
	return aws.String(naming.OIDCProviderOf(role, issuer))
}

// STS's own codes are without the Exception that those of ECR end with.
func stsError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}

func stsValidation(message string) error { return stsError("ValidationError", message) }

// stsDenied is a refusal in IAM's words, by STS's code.
func stsDenied(err error) error {
	var denied smithy.APIError
	if !errors.As(err, &denied) {
		return err
	}
	return stsError("AccessDenied", denied.ErrorMessage())
}

// notTrusted is what STS says also of a role that does not exist.
func notTrusted(caller, role string) error {
	return stsError("AccessDenied", "User: "+caller+" is not authorized to perform: sts:AssumeRole on resource: "+role)
}

func notTrustedByWebIdentity() error {
	return stsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

func rootAssumesNone() error {
	return stsError("AccessDenied", "Roles may not be assumed by root accounts.")
}

// malformedPolicy has chosen words.
func malformedPolicy(reason error) error {
	return stsError("MalformedPolicyDocument", "The policy is not valid: "+reason.Error())
}

// How long a session may be, in seconds: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
const (
	shortest, longest = 15 * 60, 12 * 60 * 60
	// byDefault is how long one is that does not say it, and longestChained how long one
	// may be that a session begins.
	byDefault      = time.Hour
	longestChained = time.Hour
)

func seconds(duration *int32) time.Duration {
	if duration == nil {
		return byDefault
	}
	return time.Duration(*duration) * time.Second
}

// constrained is a text that a member of STS's takes.
type constrained struct {
	member      string
	value       *string
	least, most int
	pattern     *regexp.Regexp
}

var sessionName = regexp.MustCompile(`^[\w+=,.@-]*$`)

// checkAssumption answers what is wrong with a session that is asked for, all of it in
// one sentence.
func checkAssumption(role, name *string, duration *int32, more ...constrained) error {
	texts := append([]constrained{{"roleArn", role, 20, 2048, nil}, {"roleSessionName", name, 2, 64, sessionName}}, more...)
	var wrong []string
	for _, text := range texts {
		wrong = append(wrong, text.violations()...)
	}
	if duration != nil {
		switch within := "Member must have value %s than or equal to %d"; {
		case *duration < shortest:
			wrong = append(wrong, violation(fmt.Sprint(*duration), "durationSeconds", fmt.Sprintf(within, "greater", shortest)))
		case *duration > longest:
			wrong = append(wrong, violation(fmt.Sprint(*duration), "durationSeconds", fmt.Sprintf(within, "less", longest)))
		}
	}
	switch _, is := naming.ParseRoleARN(aws.ToString(role)); {
	case len(wrong) == 1:
		return stsValidation("1 validation error detected: " + wrong[0])
	case wrong != nil:
		return stsValidation(fmt.Sprintf("%d validation errors detected: %s", len(wrong), strings.Join(wrong, "; ")))
	case !is:
		return stsValidation(*role + " is invalid")
	}
	return nil
}

func (c constrained) violations() (wrong []string) {
	if c.value == nil {
		return []string{"Value null at '" + c.member + "' failed to satisfy constraint: Member must not be null"}
	}
	says := func(constraint string) { wrong = append(wrong, violation(*c.value, c.member, constraint)) }
	switch length := len(utf16.Encode([]rune(*c.value))); {
	case length < c.least:
		says(fmt.Sprintf("Member must have length greater than or equal to %d", c.least))
	case length > c.most:
		says(fmt.Sprintf("Member must have length less than or equal to %d", c.most))
	}
	if c.pattern != nil && !c.pattern.MatchString(*c.value) {
		says("Member must satisfy regular expression pattern: " + strings.Trim(c.pattern.String(), "^$"))
	}
	return wrong
}

func violation(value, member, constraint string) string {
	return "Value '" + value + "' at '" + member + "' failed to satisfy constraint: " + constraint
}
