package link_test

import (
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/rekeyhq/rekey/link"
)

func Example() {
	// A real process takes the keyset from package keys.
	set, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := aead.New(set)
	if err != nil {
		fmt.Println(err)
		return
	}
	links, err := link.New(key, link.MustParseBaseURL("https://example.com"), "default")
	if err != nil {
		fmt.Println(err)
		return
	}

	sent := time.Date(2030, time.May, 1, 12, 0, 0, 0, time.UTC)
	token, err := links.Seal(link.Reset, link.Claims{
		RunID:      "0198c2f0-5a3b-7c4d-8e9f-0123456789ab",
		AccountKey: "00112233445566778899aabbccddeeff",
		Expires:    sent.Add(30 * time.Minute),
		Address:    "ada@example.com",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token, len(links.URL(link.Reset, token)))

	claims, _, err := links.Open(link.Reset, token.Text())
	fmt.Println(claims.Address, claims.Expired(sent.Add(time.Hour), time.Minute), err)

	_, _, err = links.Open(link.Cancel, token.Text())
	fmt.Println(err)
	// Output:
	// [token] 178
	// ada@example.com true <nil>
	// the link is not valid
}
