package registry

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
)

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
	switch _, _, is := naming.ParseRoleARN(aws.ToString(role)); {
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
