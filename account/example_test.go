package account_test

import (
	"fmt"

	"github.com/rekeyhq/rekey/account"
)

func ExampleParseAddress() {
	for _, typed := range []string{"Ann@Example.COM", "ann@münchen.example", "Ann <ann@example.com>"} {
		address, err := account.ParseAddress(typed)
		fmt.Printf("%q %v\n", address, err)
	}
	// Output:
	// "ann@example.com" <nil>
	// "ann@xn--mnchen-3ya.example" <nil>
	// "" not a mail address such as name@example.com
}
