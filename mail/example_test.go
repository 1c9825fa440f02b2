package mail_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/mail"
)

func ExampleTemplates_Reset() {
	templates, err := mail.Load("", mail.Brand{
		Product: "Acme", Support: "support@example.com", ForgotURL: "https://example.com/account/forgot-password",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := templates.Reset("owner@example.net", "5f1c@example.com", mail.Reset{
		URL:       "https://example.com/account/change-password/AbvJ8s",
		CancelURL: "https://example.com/account/cancel-reset/Zd7-p1",
		Life:      30 * time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Subject)
	fmt.Println()
	fmt.Print(m.Text)
	// Output:
	// Reset your Acme password
	//
	// Hello,
	//
	// Someone, hopefully you, requested a password reset for your Acme account.
	//
	// Choose a new password:
	//
	// https://example.com/account/change-password/AbvJ8s
	//
	// The link works for 30 minutes and only once.
	//
	// Wasn't you? Ignore this email: your password stays the same. You can also
	// cancel the reset:
	//
	// https://example.com/account/cancel-reset/Zd7-p1
	//
	// Acme never asks for your password by mail or phone.
	// Questions? We can help: support@example.com
}

// Rendering must be nothing beside a conversation with a mail server.
func BenchmarkReset(b *testing.B) {
	templates := load(b, "")
	r := mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: 30 * time.Minute}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Reset("owner@example.net", "1@example.com", r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChanged(b *testing.B) {
	templates := load(b, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Changed("owner@example.net", "1@example.com", mail.Changed{}); err != nil {
			b.Fatal(err)
		}
	}
}
