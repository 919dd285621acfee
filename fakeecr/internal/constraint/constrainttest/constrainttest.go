// Package constrainttest makes inputs that break one constraint of the service model each, for tests
// of whatever inputs pass through.
package constrainttest

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
)

// A Violation is an input that breaks one constraint, and what ECR says of it.
type Violation struct {
	Name       string // such as "PutImage repositoryName too small"
	Input      any    // a pointer, such as *ecr.PutImageInput
	Path       string // the member as the message names it
	Constraint string // such as "must have length greater than or equal to 2"
}

// Message is the message of the InvalidParameterException that ECR answers.
func (v Violation) Message() string {
	return fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", v.Path, v.Constraint)
}

// Valid returns an input of the operation that has every member and satisfies the model. It breaks
// rules that the model does not know, so the operation may well refuse it. Valid panics if there is
// no such operation.
func Valid(op string) any {
	operation := find(op)
	in := reflect.New(operation.Input)
	fill(in, operation.Shape)
	return in.Interface()
}

// Violations returns valid inputs of the operation in which one member is broken: each constraint of
// each member, nested ones and the last elements of lists included. A member that is missing never
// leaves the real client, which refuses the call itself. Violations panics if there is no such
// operation.
func Violations(op string) []Violation {
	b := breaker{op: op}
	b.breakMembers(place{find: func(in reflect.Value) reflect.Value { return in }}, find(op).Shape)
	return b.violations
}

func find(op string) constraint.Operation {
	for _, operation := range constraint.Operations() {
		if operation.Name == op {
			return operation
		}
	}
	panic("constrainttest: no operation " + op)
}

// fill sets a value to one that satisfies the shape.
func fill(v reflect.Value, s *constraint.Shape) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch s.Kind {
	case constraint.String:
		v.SetString(validString(s))
	case constraint.Number:
		v.SetInt(s.Min.N)
	case constraint.Boolean:
		v.SetBool(true)
	case constraint.Blob:
		v.SetBytes([]byte{0})
	case constraint.List:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), s.Element)
		}
	case constraint.Structure:
		for _, member := range s.Members {
			if field := v.FieldByName(fieldName(member)); field.IsValid() {
				fill(field, member.Shape)
			}
		}
	}
}

// samples are valid strings of the shapes that mere letters do not satisfy.
var samples = map[string]string{
	"CredentialArn":                       "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub",
	"KmsKeyForRepositoryCreationTemplate": "arn:aws:kms:us-east-1:123456789012:key/1234abcd",
	"LayerDigest":                         "sha256:0123456789abcdef",
	"PrincipalArn":                        "arn:aws:iam::123456789012:role/path/puller",
	"RegistryId":                          "123456789012",
	"SigningProfileArn":                   "arn:aws:signer:us-east-1:123456789012:/signing-profiles/release",
	"ReplicationBackfillId":               "01234567-89ab-cdef-0123-456789ABCDEF",
	"UploadId":                            "01234567-89ab-cdef-0123-456789ABCDEF",
}

func validString(s *constraint.Shape) string {
	if s.Enum != nil {
		return s.Enum[0]
	}
	if sample, ok := samples[s.Name]; ok {
		return sample
	}
	return letters(max(s.Min.N, 1))
}

func letters(n int64) string { return strings.Repeat("a", int(n)) }

func fieldName(m constraint.Member) string {
	return strings.ToUpper(m.Name[:1]) + m.Name[1:]
}
