package transcript

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// push makes the calls of a push; the answer is the last one's.
func (s *session) push(ctx context.Context, region string, step *Step) (*Reply, error) {
	name, err := step.Push.fill(s.bound)
	if err != nil {
		return nil, err
	}
	tag, err := step.Tag.fill(s.bound)
	if err != nil {
		return nil, err
	}
	p := pusher{session: s, region: region, repository: name, step: step}
	what, _ := made(step.Content)
	if what.isLayer() {
		return p.upload(ctx, what.bytes)
	}
	return p.image(ctx, what, tag)
}

type pusher struct {
	*session
	region, repository string
	step               *Step
}

func (p *pusher) call(ctx context.Context, operation string, input map[string]any) (*Reply, error) {
	input["repositoryName"] = p.repository
	body, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	return p.session.call(ctx, p.region, operation, body, p.step)
}

// image pushes what an image consists of, then the image.
func (p *pusher) image(ctx context.Context, image *content, tag string) (*Reply, error) {
	for _, blob := range image.blobs {
		reply, err := p.upload(ctx, blob)
		if err != nil {
			return nil, err
		}
		if code, _ := reply.failure(); !reply.succeeded() && code != "LayerAlreadyExistsException" {
			return reply, nil
		}
	}
	for _, child := range image.children {
		reply, err := p.image(ctx, child, "")
		if err != nil {
			return nil, err
		}
		if code, _ := reply.failure(); !reply.succeeded() && code != "ImageAlreadyExistsException" {
			return reply, nil
		}
	}
	input := map[string]any{"imageManifest": string(image.bytes), "imageManifestMediaType": image.mediaType}
	if tag != "" {
		input["imageTag"] = tag
	}
	return p.call(ctx, "PutImage", input)
}

// upload pushes a layer.
func (p *pusher) upload(ctx context.Context, blob []byte) (*Reply, error) {
	begun, err := p.call(ctx, "InitiateLayerUpload", map[string]any{})
	if err != nil || !begun.succeeded() {
		return begun, err
	}
	var upload struct {
		UploadID string `json:"uploadId"`
	}
	if err := json.Unmarshal(begun.Body, &upload); err != nil {
		return nil, &broken{fmt.Sprintf("InitiateLayerUpload answered %s", begun)}
	}
	reply, err := p.call(ctx, "UploadLayerPart", map[string]any{
		"uploadId": upload.UploadID, "partFirstByte": 0, "partLastByte": len(blob) - 1,
		"layerPartBlob": base64.StdEncoding.EncodeToString(blob),
	})
	if err != nil || !reply.succeeded() {
		return reply, err
	}
	return p.call(ctx, "CompleteLayerUpload", map[string]any{
		"uploadId": upload.UploadID, "layerDigests": []string{digest.FromBytes(blob).String()},
	})
}
