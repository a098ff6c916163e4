#include "agent/world/real/sasl_login.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

// RFC 7677, section 3.
constexpr const char* nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr const char* server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char* client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr const char* server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

SaslLoginOptions as(const std::string& mechanism, const std::string& user) {
    SaslLoginOptions options;
    options.mechanism = mechanism;
    options.username = user;
    return options;
}

std::unique_ptr<SaslLogin> scram(const std::string& user = "user", const std::string& password = "pencil") {
    auto login = begin_sasl(as("SCRAM-SHA-256", user), Secret(password), nonce);
    EXPECT_TRUE(login) << login.error().message;
    return login ? *std::move(login) : nullptr;
}

std::string error_after(const std::string& first, const std::string& last = "") {
    auto login = scram();
    (void)login->first();
    auto next = login->next(first);
    if (next && !last.empty()) next = login->next(last);
    return next ? "" : next.error().message;
}

TEST(SaslLogin, scram_as_in_rfc_7677) {
    auto login = scram();
    EXPECT_EQ(login->first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const auto proof = login->next(server_first);
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_EQ(**proof, client_final);
    const auto end = login->next(server_final);
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_FALSE(*end);
}

TEST(SaslLogin, scram_does_not_trust_a_server_that_cannot_sign) {
    EXPECT_NE(error_after(server_first, "v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").find("does not know"),
              std::string::npos);
    EXPECT_NE(error_after(server_first, "v=short").find("RFC 5802"), std::string::npos);
    EXPECT_NE(error_after(server_first, "e=invalid-proof").find("invalid-proof"), std::string::npos);
    EXPECT_NE(error_after(server_first, "").size(), 1u);
}

TEST(SaslLogin, scram_refuses_a_first_message_that_is_not_as_it_must_be) {
    EXPECT_NE(error_after("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").find("nonce"), std::string::npos);
    EXPECT_NE(error_after("r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").find("nonce"), std::string::npos);
    EXPECT_NE(error_after("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1").find("iterations"),
              std::string::npos);
    EXPECT_NE(error_after("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999").find("iterations"),
              std::string::npos);
    for (const char* broken : {"", "r=", "m=ext,r=x", "r=rOprNGfwEbeRWgbNEkqOx", "r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096",
                               "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=many"})
        EXPECT_NE(error_after(broken).find("RFC 5802"), std::string::npos) << broken;
    EXPECT_NE(error_after(std::string(5'000, 'r')).find("longer"), std::string::npos);
}

TEST(SaslLogin, scram_escapes_the_user_name) {
    EXPECT_EQ(scram("a=b,c")->first(), "n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO");
}

TEST(SaslLogin, what_cannot_be_prepared_is_refused_without_showing_it) {
    const auto accent = begin_sasl(as("SCRAM-SHA-512", "user"), Secret("p\xc3\xa4ss"), nonce);
    ASSERT_FALSE(accent);
    EXPECT_NE(accent.error().message.find("beyond ASCII"), std::string::npos);
    EXPECT_EQ(accent.error().message.find("ss\""), std::string::npos);
    EXPECT_FALSE(begin_sasl(as("SCRAM-SHA-512", "us\ter"), Secret("x"), nonce));
    EXPECT_FALSE(begin_sasl(as("GSSAPI", "user"), Secret("x"), nonce));
}

TEST(SaslLogin, plain_is_one_message_and_takes_any_text) {
    auto login = begin_sasl(as("PLAIN", "us\xc3\xa4r"), Secret("p\xc3\xa4ss"), "");
    ASSERT_TRUE(login);
    EXPECT_EQ((*login)->first(), std::string("\0us\xc3\xa4r\0p\xc3\xa4ss", 12));
    EXPECT_FALSE(*(*login)->next(""));
    EXPECT_FALSE(begin_sasl(as("PLAIN", std::string("a\0b", 3)), Secret("x"), ""));
}

TEST(SaslLogin, nonces_differ) { EXPECT_NE(*make_nonce(), *make_nonce()); }

// RFC 7628, section 4.1, with the extensions of KIP-342.
TEST(SaslLogin, oauthbearer_sends_the_token_once) {
    SaslLoginOptions options = as("OAUTHBEARER", "");
    auto login = begin_sasl(options, Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="), "");
    ASSERT_TRUE(login) << login.error().message;
    EXPECT_EQ((*login)->first(),
              "n,,\x01"
              "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
    const auto end = (*login)->next("");
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_FALSE(*end);
    options.extensions = {{"identityPoolId", "pool-1"}, {"logicalCluster", "lkc-1"}};
    login = begin_sasl(options, Secret("t"), "");
    ASSERT_TRUE(login);
    EXPECT_EQ((*login)->first(),
              "n,,\x01"
              "auth=Bearer t\x01identityPoolId=pool-1\x01logicalCluster=lkc-1\x01\x01");
}

TEST(SaslLogin, oauthbearer_tells_why_it_was_refused_and_no_more) {
    auto login = begin_sasl(as("OAUTHBEARER", ""), Secret("t"), "");
    ASSERT_TRUE(login);
    const auto refused = (*login)->next("{\"status\":\"invalid_token\"}\x1b[2J");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "refused: {\"status\":\"invalid_token\"}?[2J");
    EXPECT_LT((*login)->next(std::string(5'000, 'x')).error().message.size(), 300u);
}

TEST(SaslLogin, oauthbearer_carries_neither_a_broken_token_nor_broken_extensions) {
    SaslLoginOptions options = as("OAUTHBEARER", "");
    for (const char* token : {"", "two words",
                              "a\x01"
                              "b",
                              "p\xc3\xa4ss"})
        EXPECT_FALSE(begin_sasl(options, Secret(token), "")) << token;
    for (const auto& [name, value] : std::map<std::string, std::string>{{"auth", "Bearer x"},
                                                                        {"", "x"},
                                                                        {"with-sign", "x"},
                                                                        {"fine",
                                                                         "x\x01"
                                                                         "auth=Bearer y"}}) {
        options.extensions = {{name, value}};
        EXPECT_FALSE(begin_sasl(options, Secret("t"), "")) << name;
    }
}

}  // namespace
}  // namespace medic
