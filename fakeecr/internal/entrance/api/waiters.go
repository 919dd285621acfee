package api

import (
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// IsWaiter tells whether a waiter is among the features of the SDK that a user
// agent lists.
func IsWaiter(userAgent string) bool {
	for word := range strings.FieldsSeq(userAgent) {
		features, listed := strings.CutPrefix(word, "m/")
		if listed && slices.Contains(strings.Split(features, ","), awsmiddleware.UserAgentFeatureWaiter) {
			return true
		}
	}
	return false
}
