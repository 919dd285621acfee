package transcript

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// request makes a request to the registry endpoint, or to a URL that an answer gave.
func (s *session) request(ctx context.Context, region string, step *Step) (*Reply, error) {
	to, own, err := s.resolve(region, step)
	if err != nil {
		return nil, err
	}
	if s.Fenced {
		at := s.fence
		at.region = region
		if err := at.request(step.Method, to, own); err != nil {
			return nil, err
		}
	}
	if found := repositoryInPath.FindStringSubmatch(to.Path); own && found != nil {
		s.touch(region).repository(found[1])
	}
	header, body, err := s.content(step)
	if err != nil {
		return nil, err
	}
	if own {
		token, err := s.authorization(ctx, region)
		if err != nil {
			return nil, err
		}
		if _, given := header["Authorization"]; !given {
			header.Set("Authorization", token)
		}
	}
	if header.Get("Authorization") == "" {
		header.Del("Authorization")
	}
	reply, err := s.Target.request(ctx, step.Method, to, header, body)
	s.tell(step.Method+" "+to.Path, reply, err)
	if err != nil {
		return nil, &broken{step.Method + " was not answered: " + err.Error()}
	}
	return reply, nil
}

// resolve is where a request goes, and whether that is the registry endpoint.
func (s *session) resolve(region string, step *Step) (to *url.URL, own bool, err error) {
	path, err := step.Path.fill(s.bound)
	if err != nil {
		return nil, false, err
	}
	if s.Registry == nil {
		return nil, false, refusal("it needs the registry endpoint")
	}
	base, err := url.Parse(s.Registry(region))
	if err != nil {
		return nil, false, err
	}
	if to, err = base.Parse(path); err != nil {
		return nil, false, &broken{"this is no path: " + path}
	}
	return to, to.Scheme == base.Scheme && to.Host == base.Host, nil
}

// content is the headers and the body of a request.
func (s *session) content(step *Step) (http.Header, []byte, error) {
	header := http.Header{}
	var body []byte
	if step.Body != nil {
		if content, is := made(step.Body.Content); is {
			body = content.bytes
			header.Set("Content-Type", content.mediaType)
			if content.isLayer() {
				header.Set("Content-Type", "application/octet-stream")
			}
		} else if step.Body.Value.kind == text {
			filled, err := step.Body.Value.text.fill(s.bound)
			if err != nil {
				return nil, nil, err
			}
			body = []byte(filled)
		} else {
			sent, err := step.Body.Value.send(s.bound)
			if err != nil {
				return nil, nil, err
			}
			body = sent
		}
	}
	for _, field := range step.Header {
		value, err := field.Value.fill(s.bound)
		if err != nil {
			return nil, nil, err
		}
		header.Set(field.Name, value)
	}
	return header, body, nil
}

// authorization is the token of a region's registry endpoint, asked for once, and
// tried.
func (s *session) authorization(ctx context.Context, region string) (string, error) {
	if token := s.tokens[region]; token != "" {
		return token, nil
	}
	token, err := s.token(ctx, region)
	if err == nil {
		err = s.welcomes(ctx, region, token)
	}
	if err != nil {
		return "", notThere("the registry endpoint: " + err.Error())
	}
	if s.tokens == nil {
		s.tokens = map[string]string{}
	}
	s.tokens[region] = token
	return token, nil
}

// welcomes tells whether there is a registry endpoint that knows the token.
func (s *session) welcomes(ctx context.Context, region, token string) error {
	to, err := url.Parse(s.Registry(region) + "/v2/")
	if err != nil {
		return err
	}
	reply, err := s.Target.request(ctx, http.MethodGet, to, http.Header{"Authorization": {token}}, nil)
	if err == nil && reply.Status != http.StatusOK {
		err = fmt.Errorf("GET /v2/ is answered %s", reply)
	}
	return err
}
