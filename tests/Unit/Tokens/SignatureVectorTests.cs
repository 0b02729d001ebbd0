using Boon.Platform.Access.Tokens;

namespace Boon.Unit.Tokens;

/// <summary>The RS256 examples of the standards, at the signature's layer: their claims are not ours.</summary>
public class SignatureVectorTests
{
    private static readonly JsonWebKey Rfc7515Key = new(
        "RSA",
        null,
        null,
        "rfc7515-a2",
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS"
            + "-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTB"
            + "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs9"
            + "1kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "AQAB"
    );

    private static readonly JsonWebKey Rfc7520Key = new(
        "RSA",
        "sig",
        null,
        "bilbo.baggins@hobbiton.example",
        "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wq"
            + "VwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpP"
            + "I9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRh"
            + "uaxwUkRz5iaiQkqgc5gHdrNP5zw",
        "AQAB"
    );

    private const string Rfc7515Jws =
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
            + "cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG"
            + "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRm"
            + "B_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt"
            + "5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    private const string Rfc7520Jws =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNz"
            + "LCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHl"
            + "vdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AX"
            + "P41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-E"
            + "s4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQ"
            + "dLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg";

    [Fact]
    public void RFC_7515_appendix_A_2_verifies() => Signatures.IsOf(Rfc7515Key, Rfc7515Jws).ShouldBeTrue();

    [Fact]
    public void RFC_7520_section_4_1_verifies() => Signatures.IsOf(Rfc7520Key, Rfc7520Jws).ShouldBeTrue();

    [Fact]
    public void Each_is_refused_with_the_other_key_or_the_other_signature()
    {
        Signatures.IsOf(Rfc7520Key, Rfc7515Jws).ShouldBeFalse();
        Signatures.IsOf(Rfc7515Key, Rfc7520Jws).ShouldBeFalse();
        var (a, b) = (Rfc7515Jws.Split('.'), Rfc7520Jws.Split('.'));
        Signatures.IsOf(Rfc7515Key, $"{a[0]}.{b[1]}.{a[2]}").ShouldBeFalse();
        Signatures.IsOf(Rfc7515Key, $"{b[0]}.{a[1]}.{a[2]}").ShouldBeFalse();
    }

    [Fact]
    public void Nor_are_they_tokens_of_ours()
    {
        var forge = new Forge();
        forge.Keys[Rfc7520Key.Kid] = VerificationKey.FromJwk(Rfc7520Key);
        forge.ShouldRefuse(Rfc7515Jws, TokenRefusal.WrongType);
        forge.ShouldRefuse(Rfc7520Jws, TokenRefusal.WrongType);
    }
}
