package constraint

import (
	"regexp"
	"sync"
)

// ValidRepositoryName reports whether name satisfies the pattern of repository names. Their length
// (2 to 256) is a constraint of its own.
func ValidRepositoryName(name string) bool {
	for i := 0; ; {
		start := i
		for i < len(name) && is(name[i], lowerAlphanumeric) {
			i++
		}
		if i == start {
			return false
		}
		if i == len(name) {
			return true
		}
		separator := name[i]
		i++
		switch separator {
		case '.', '/':
		case '_':
			if i < len(name) && name[i] == '_' {
				i++
			}
		case '-':
			for i < len(name) && name[i] == '-' {
				i++
			}
		default:
			return false
		}
	}
}

// ValidTag reports whether tag satisfies ECR's pattern of image tags, [a-zA-Z0-9-_.]+, which is
// looser than OCI's. Their length (1 to 300) is a constraint of its own.
func ValidTag(tag string) bool {
	return tag != "" && only(tag, tagCharacter)
}

// ValidDigest reports whether digest satisfies ECR's pattern of digests of images and layers,
// [a-zA-Z0-9-_+.]+:[a-fA-F0-9]+, which asks for no known algorithm and no length.
func ValidDigest(digest string) bool {
	i := 0
	for i < len(digest) && (is(digest[i], tagCharacter) || digest[i] == '+') {
		i++
	}
	if i == 0 || i == len(digest) || digest[i] != ':' {
		return false
	}
	encoded := digest[i+1:]
	return encoded != "" && only(encoded, hexadecimal)
}

// ValidRegistryID reports whether id is an account, 12 digits.
func ValidRegistryID(id string) bool {
	return len(id) == len("123456789012") && only(id, digit)
}

// ValidUploadID reports whether id has the form of an upload's: a UUID.
func ValidUploadID(id string) bool {
	return len(id) == len("01234567-0123-0123-0123-0123456789ab") &&
		id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-' &&
		only(id[:8], hexadecimal) && only(id[9:13], hexadecimal) && only(id[14:18], hexadecimal) &&
		only(id[19:23], hexadecimal) && only(id[24:], hexadecimal)
}

// A class is a set of characters, a bit for each set that patterns are made of.
type class uint8

const (
	digit class = 1 << iota
	lowerAlphanumeric
	hexadecimal
	tagCharacter
)

// classes makes the test of a character one load: comparisons take four times as long.
var classes = classify()

func classify() (table [256]class) {
	for i := range table {
		switch c := byte(i); {
		case '0' <= c && c <= '9':
			table[c] = digit | lowerAlphanumeric | hexadecimal | tagCharacter
		case 'a' <= c && c <= 'f':
			table[c] = lowerAlphanumeric | hexadecimal | tagCharacter
		case 'g' <= c && c <= 'z':
			table[c] = lowerAlphanumeric | tagCharacter
		case 'A' <= c && c <= 'F':
			table[c] = hexadecimal | tagCharacter
		case 'G' <= c && c <= 'Z', c == '-', c == '_', c == '.':
			table[c] = tagCharacter
		}
	}
	return table
}

func is(c byte, set class) bool { return classes[c]&set != 0 }

// only reports whether all of s is in the set.
func only(s string, set class) bool {
	for i := range len(s) {
		if !is(s[i], set) {
			return false
		}
	}
	return true
}

// lazily matches whole strings, and compiles the pattern when it is first asked.
func lazily(pattern string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	})
	return func(s string) bool { return compiled().MatchString(s) }
}
