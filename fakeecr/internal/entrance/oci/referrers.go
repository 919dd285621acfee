package oci

import (
	"encoding/json"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
)

// mostReferrers is how many referrers a page of the API may have.
const mostReferrers = 50

// descriptor is a referrer in the index of all.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// listReferrers answers an index of the images about a subject, all pages in one,
// because clients leave out what is on a second.
func listReferrers(r *request) (*exchange.Answer, error) {
	in := ecr.ListImageReferrersInput{
		RegistryId:     &r.registry.Account,
		RepositoryName: &r.repository,
		SubjectId:      &types.SubjectIdentifier{ImageDigest: &r.reference},
		MaxResults:     aws.Int32(mostReferrers),
	}
	wanted := r.URL.Query().Get("artifactType")
	if wanted != "" {
		in.Filter = &types.ListImageReferrersFilter{ArtifactTypes: []string{wanted}}
	}
	referrers := []descriptor{}
	for more := true; more; more = in.NextToken != nil {
		asked := in
		out, err := do[ecr.ListImageReferrersOutput](r, r.newCall("ListImageReferrers", &asked))
		if err != nil {
			return nil, err
		}
		for _, referrer := range out.Referrers {
			referrers = append(referrers, describe(referrer))
		}
		in.NextToken = out.NextToken
	}
	body, err := json.Marshal(struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}{2, manifest.OCIIndex, referrers})
	if err != nil {
		return nil, err
	}
	answer := exchange.New(http.StatusOK, manifest.OCIIndex, body)
	if wanted != "" {
		answer.Header.Set("OCI-Filters-Applied", "artifactType")
	}
	return answer, nil
}

func describe(referrer types.ImageReferrer) descriptor {
	return descriptor{
		MediaType:    aws.ToString(referrer.MediaType),
		Digest:       aws.ToString(referrer.Digest),
		Size:         aws.ToInt64(referrer.Size),
		ArtifactType: aws.ToString(referrer.ArtifactType),
		Annotations:  referrer.Annotations,
	}
}
