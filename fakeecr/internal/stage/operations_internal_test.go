package stage

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

// A new version of the SDK with a new operation fails this test, which names it.
func TestTableHoldsEveryOperationOfTheClient(t *testing.T) {
	var missing []string
	api := reflect.TypeFor[*ecr.Client]()
	operationsOfClient := 0
	for i := range api.NumMethod() {
		if method := api.Method(i); method.Type.IsVariadic() && method.Type.NumIn() == 4 {
			operationsOfClient++
			if op, found := Operations[method.Name]; !found || op.Name != method.Name {
				missing = append(missing, method.Name)
			}
		}
	}
	require.Empty(t, missing)
	require.Len(t, Operations, operationsOfClient)
}
