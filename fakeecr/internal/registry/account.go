package registry

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// The account settings of ECR.
const (
	basicScanTypeVersion = "BASIC_SCAN_TYPE_VERSION"
	registryPolicyScope  = "REGISTRY_POLICY_SCOPE"
	blobMounting         = "BLOB_MOUNTING"
)

// accountSetting is what ECR knows of a setting. Retired values were settable
// once.
type accountSetting struct {
	name            string
	values, retired []string
	initially       string
}

var accountSettings = []accountSetting{
	{name: basicScanTypeVersion, values: []string{"AWS_NATIVE"}, retired: []string{"CLAIR"}, initially: "AWS_NATIVE"},
	{name: registryPolicyScope, values: []string{"V2"}, retired: []string{"V1"}, initially: "V2"},
	{name: blobMounting, values: []string{"ENABLED", "DISABLED"}, initially: "DISABLED"},
}

func findAccountSetting(name string) (accountSetting, error) {
	var names []string
	for _, setting := range accountSettings {
		if setting.name == name {
			return setting, nil
		}
		names = append(names, setting.name)
	}
	return accountSetting{}, notInValueSet("name", names)
}

// setting is the value of an account setting of ECR's.
func (r *registryState) setting(name string) string {
	if value, set := r.accountSettings.Get(name); set {
		return value
	}
	known, _ := findAccountSetting(name)
	return known.initially
}

// GetAccountSetting answers the default of what was never put.
func (tx *Tx) GetAccountSetting(_ context.Context, in *ecr.GetAccountSettingInput) (*ecr.GetAccountSettingOutput, error) {
	known, err := findAccountSetting(*in.Name)
	if err != nil {
		return nil, err
	}
	value := tx.registry(tx.Place).setting(known.name)
	return &ecr.GetAccountSettingOutput{Name: aws.String(known.name), Value: aws.String(value)}, nil
}

// PutAccountSetting refuses values that ECR has retired.
func (tx *Tx) PutAccountSetting(_ context.Context, in *ecr.PutAccountSettingInput) (*ecr.PutAccountSettingOutput, error) {
	known, err := findAccountSetting(*in.Name)
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(known.retired, *in.Value):
		return nil, settingRetired()
	case !slices.Contains(known.values, *in.Value):
		return nil, notInValueSet("value", known.values)
	}
	reg := tx.changeRegistry(tx.Place)
	reg.accountSettings.Set(reg.generation, known.name, *in.Value)
	return &ecr.PutAccountSettingOutput{Name: aws.String(known.name), Value: aws.String(*in.Value)}, nil
}

// settingRetired is chosen: it is what ECR answers to whatever else is retired.
func settingRetired() error {
	return &types.ValidationException{Message: aws.String("This feature is disabled")}
}
