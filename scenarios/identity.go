package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/fakeecr/ecr/scenarios/internal/form"
)

// Identity names the call among others by what it asks for: its operation, registry
// and repository and a hash of its input. It is the same in each run and on each
// face, as upload ids and tokens, which change, are no part of it. Calls that ask for
// the same are told apart by their order only. [Same] holds for it.
func (c *Call) Identity() string {
	words := []string{c.Operation, c.Account + "/" + c.Region}
	if c.Repository != "" {
		words = append(words, c.Repository)
	}
	if sum := inputSum(c.Input); sum != "" {
		words = append(words, sum)
	}
	return strings.Join(words, " ")
}

// elsewhere are members of inputs that are no part of a call's identity: those that
// the rest of it says, and those that change from run to run.
var elsewhere = map[string]bool{
	"registryId": true, "repositoryName": true,
	"uploadId": true, "nextToken": true, "layerPartBlob": true,
}

// inputSum is a short hash of an input, "" for one that says nothing.
func inputSum(in any) string {
	members, _ := plain(reflect.ValueOf(in)).(form.Ordered)
	var said form.Ordered
	for _, member := range members {
		name, value := member[0].(string), member[1]
		if list, ok := value.([]any); elsewhere[name] || ok && len(list) == 0 {
			continue
		}
		said = append(said, member)
	}
	if len(said) == 0 {
		return ""
	}
	text, err := json.Marshal(said)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
