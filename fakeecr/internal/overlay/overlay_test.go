package overlay

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"
)

func TestOverlaysHoldOnlyWhatTheSDKLacks(t *testing.T) {
	for _, sdk := range []any{
		ecr.PutReplicationConfigurationInput{}, ecr.PutReplicationConfigurationOutput{}, ecr.DescribeRegistryOutput{},
	} {
		require.Empty(t, grown(reflect.TypeFor[Replication](), reflect.TypeOf(sdk)),
			"the SDK has this member now: delete it from package overlay, and with it what reads it there")
	}
	require.IsType(t, &Replication{}, Of(&ecr.PutReplicationConfigurationInput{}))
	require.Nil(t, Of(&ecr.DescribeRegistryInput{}))
}

// grown is the members of an overlay that a type of the SDK's has as well.
func grown(over, sdk reflect.Type) (members []string) {
	for i := range over.NumField() {
		field := over.Field(i)
		has, found := sdk.FieldByName(field.Name)
		switch {
		case !found:
		case held(field.Type).Kind() == reflect.Struct:
			members = append(members, grown(held(field.Type), held(has.Type))...)
		default:
			members = append(members, sdk.String()+"."+field.Name)
		}
	}
	return members
}

func held(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func TestGrown(t *testing.T) {
	require.Equal(t, []string{"overlay.DeleteReplication.Enabled"}, grown(reflect.TypeFor[Replication](), reflect.TypeFor[Replication]()))
}
