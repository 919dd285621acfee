package policy

import "github.com/fakeecr/ecr/fakeecr/internal/naming"

// The members of a policy and of its statements, in the order in which ECR gives them back.
var (
	documentMembers  = []string{"Version", "Id", "Statement"}
	statementMembers = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)

// firstVersion is the version of a policy that names none.
const firstVersion = "2008-10-17"

// normalised is a valid policy as ECR writes it after reading it: members in order, the version named, a
// list of statements, the text itself for a list of one text, and an account's root, of this partition,
// for its id. It decides as before.
func (v value) normalised(partition string) value {
	if _, ok := v.get("Version"); !ok {
		v.keys = append([]string{"Version"}, v.keys...)
		v.items = append([]value{{kind: str, text: firstVersion}}, v.items...)
	}
	return v.inOrder(documentMembers, func(key string, item value) value {
		if key != "Statement" {
			return item
		}
		if item.kind == object {
			item = value{kind: array, items: []value{item}}
		}
		return item.each(func(_ string, s value) value { return s.normalisedStatement(partition) })
	})
}

func (v value) normalisedStatement(partition string) value {
	return v.inOrder(statementMembers, func(key string, item value) value {
		switch key {
		case "Principal", "NotPrincipal":
			return item.normalisedPrincipal(partition)
		case "Condition":
			return item.each(func(_ string, operator value) value {
				return operator.each(func(_ string, values value) value { return values.single() })
			})
		default:
			return item.single()
		}
	})
}

func (v value) normalisedPrincipal(partition string) value {
	return v.each(func(kind string, named value) value {
		if kind != "AWS" {
			return named.single()
		}
		if named.kind == str {
			return named.root(partition)
		}
		return named.each(func(_ string, principal value) value { return principal.root(partition) }).single()
	})
}

// root is the ARN that stands for an account's id, and everything else as it is.
func (v value) root(partition string) value {
	if isAccount(v.text) {
		v.text = naming.RootARN(partition, v.text)
	}
	return v
}

// single is the only item of a list of one.
func (v value) single() value {
	if v.kind == array && len(v.items) == 1 {
		return v.items[0]
	}
	return v
}

// inOrder is an object with its members in this order, which has them all, and changed.
func (v value) inOrder(order []string, change func(key string, item value) value) value {
	ordered := value{kind: object}
	for _, key := range order {
		if item, ok := v.get(key); ok {
			ordered.keys = append(ordered.keys, key)
			ordered.items = append(ordered.items, change(key, item))
		}
	}
	return ordered
}

// each is an object or a list with its items changed. A text has none.
func (v value) each(change func(key string, item value) value) value {
	items := make([]value, len(v.items))
	for i, item := range v.items {
		key := ""
		if v.kind == object {
			key = v.keys[i]
		}
		items[i] = change(key, item)
	}
	v.items = items
	return v
}
