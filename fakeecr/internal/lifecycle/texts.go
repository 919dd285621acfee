package lifecycle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Texts recorded from ECR, to the letter. The newline after "out of 4)" is ECR's; that there is one after
// "out of 2)" is chosen.
const (
	textUnmappable   = "Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy."
	textInvalid      = "Lifecycle policy validation failure: "
	textMissing      = `object has missing required properties (%s)`
	textUnknown      = `object instance has properties which are not allowed by the schema: (%s)`
	textTooLong      = `array is too long: must have at most %d elements but instance has %d elements`
	textTooLow       = `numeric instance is lower than the required minimum (minimum: %d, found: %s)`
	textNoSchema     = "instance failed to match exactly one schema (matched 0 out of %d)\n"
	textSamePriority = `Duplicate priority in multiple rules`
	textNoList       = `Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.`
	textTwoLists     = `If policy has a tagged rule, it must specify only one of tagPrefixList or tagPatternList`
	textManyStars    = `Invalid tag pattern provided. Total number of * must not exceed 4`
	textTwoUntagged  = `Only one rule can select Untagged images per storage class.`
	textTwoAny       = `Only one rule can specify tagStatus=ANY`
	textAnyNotLast   = `Rule for tagStatus=ANY must have the lowest priority per storage class`
	textStandardOnly = `SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only`
)

// Texts chosen after their siblings, because ECR's are not known or known in part only.
// An archive rule of fewer than 90 days is refused with textTooLow.
const (
	textTooShort   = `array is too short: must have at least %d elements but instance has %d elements`
	textWrongType  = `instance type (%s) does not match any allowed primitive type (allowed: %s)`
	textNotInEnum  = `instance value (%s) not found in enum (possible values: %s)`
	textListUnused = `Cannot specify %s with tagStatus %s`
	textSameList   = `Duplicate %s in multiple rules`
)

var errUnmappable = errors.New(textUnmappable)

func invalid(format string, args ...any) error {
	return fmt.Errorf(textInvalid+format, args...)
}

// quote writes v as the validator does: JSON without spaces and without HTML escapes.
func quote(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // a string or a list of them: cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}
