// Package page makes and reads the tokens of paged answers.
package page

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

const sumSize = 12

// Token names the position after which the next page begins. It belongs to its
// scope: an operation on a registry or repository. A position is a key and not
// an offset, so a token survives changes between two pages.
func Token(scope, position string) string {
	return base64.StdEncoding.EncodeToString(append(sum(scope, position), position...))
}

// Position reads a token back. It is false for anything that Token did not make
// for this scope.
func Position(scope, token string) (string, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < sumSize {
		return "", false
	}
	position := string(raw[sumSize:])
	return position, subtle.ConstantTimeCompare(raw[:sumSize], sum(scope, position)) == 1
}

func sum(scope, position string) []byte {
	h := sha256.New()
	h.Write([]byte(scope))
	h.Write([]byte{0})
	h.Write([]byte(position))
	return h.Sum(nil)[:sumSize]
}
