package scenarios

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Answer gives out, a pointer to the output of the rule's one operation, in the
// operation's place: nothing is read or changed. Who is not allowed to call is still
// refused, and so is an input that ECR refuses by its form. The output is copied, and
// each call gets a copy of its own, in which times are as the wire has them, in
// milliseconds. Of two rules that answer a call the first does.
//
//	scenarios.On("ListImages").First(1).Answer(&ecr.ListImagesOutput{NextToken: aws.String("more")})
func (r *Rule) Answer(out any) *Rule {
	return r.with(func(r *Rule) {
		model := reflect.TypeOf(out)
		operation, is := answered()[model]
		switch {
		case out == nil:
			r.wrong("Answer of nil")
		case !is:
			r.wrong("Answer of a %T: it takes a pointer to the output of one of the API's operations, such as *ecr.ListImagesOutput", out)
		case reflect.ValueOf(out).IsNil():
			r.wrong("Answer of a nil %T", out)
		default:
			same := deep(reflect.ValueOf(out))
			same.Elem().FieldByName("ResultMetadata").SetZero()
			r.effects.Answer = same.Interface()
			r.typed = append(r.typed, operation)
		}
	})
}

// answered are the operations of the API by what points to their outputs.
var answered = sync.OnceValue(func() map[reflect.Type]string {
	all := map[reflect.Type]string{}
	for _, name := range apiOperations() {
		method, _ := reflect.TypeFor[*ecr.Client]().MethodByName(name)
		all[method.Type.Out(0)] = name
	}
	return all
})

// outputOf is what points to an operation's output, nil if it is none of the API's.
func outputOf(operation string) reflect.Type {
	for model, name := range answered() {
		if name == operation {
			return model
		}
	}
	return nil
}

// NotThereFor refuses calls on a repository that was made less than lag ago, on the
// world's clock, with RepositoryNotFoundException, as if it were not there yet: reads
// and writes, but for CreateRepository and the download of layers, which are not
// ECR's. A rule fires on the calls that it refuses. Lists of all repositories have it.
func (r *Rule) NotThereFor(lag time.Duration) *Rule {
	return r.with(func(r *Rule) {
		r.effects.NotThereFor = lag
		if lag <= 0 {
			r.refuse("notThereFor", fmt.Sprintf("NotThereFor(%v)", lag), "no time at all")
		}
	})
}
