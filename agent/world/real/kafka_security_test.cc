// TLS and logins of KafkaClient against brokers that misbehave; each message is one that a person must be able to act
// on.
#include <gtest/gtest.h>

#include "agent/wire/messages/group_admin.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/kafka_fake_internal.h"

namespace medic {
namespace {

using wire::ApiKey;

class KafkaSecurityTest : public ::testing::Test {
protected:
    [[nodiscard]] TlsFiles trusting(const FakeAuthority& whom) const {
        return {.ca = folder.certificate("ca.pem", whom.own())};
    }
    [[nodiscard]] KafkaClientOptions options(std::optional<TlsFiles> tls = {}) const {
        return {.bootstrap = kafka.bootstrap(), .security = {.tls = std::move(tls), .sasl = {}}};
    }
    [[nodiscard]] KafkaClientOptions login(const std::string& mechanism, const std::string& password) const {
        KafkaClientOptions given = options();
        const SecretSource secret{.file = folder.write("pw", password)};
        given.security.sasl.emplace();
        given.security.sasl->mechanism = mechanism;
        if (mechanism == "OAUTHBEARER") {
            given.security.sasl->token = secret;
        } else {
            given.security.sasl->username = "alice";
            given.security.sasl->password = secret;
        }
        return given;
    }
    void ask_for_login(std::vector<std::string> mechanisms) {
        kafka.change_listener([&](auto& listener) {
            listener.logins =
                FakeLogins{.mechanisms = std::move(mechanisms), .username = "alice", .password = "s3cret"};
        });
    }
    static std::string error_of(KafkaClientOptions given) {
        KafkaClient client(std::move(given));
        const auto brokers = client.brokers();
        return brokers ? "" : brokers.error().message;
    }
    static void expect_in(const std::string& text, const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
    }

    FakeFolder folder;
    FakeAuthority authority{"Test CA"}, other{"Other CA"};
    FakeKafka kafka{1};
};

TEST_F(KafkaSecurityTest, a_trusted_certificate_for_the_address_is_accepted) {
    kafka.use_tls(server_context(authority.issue({})));
    EXPECT_EQ(error_of(options(trusting(authority))), "");
}

TEST_F(KafkaSecurityTest, large_answers_come_through_tls_in_pieces) {
    kafka.use_tls(server_context(authority.issue({})));
    KafkaClient client(options(trusting(authority)));
    std::vector<std::string> names(8'000, std::string(20, 'n'));
    const auto metadata = client.metadata(names);
    ASSERT_TRUE(metadata) << metadata.error().message;
    EXPECT_EQ(metadata->topics.size(), 8'000u);
    EXPECT_TRUE(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}));
}

TEST_F(KafkaSecurityTest, an_unknown_authority_is_named) {
    kafka.use_tls(server_context(authority.issue({})));
    const std::string error = error_of(options(trusting(other)));
    expect_in(error, "(CN=broker-1) is signed by CN=Test CA, which ");
    expect_in(error, "does not vouch for: give the certificate authority's file as `ca`");
}

TEST_F(KafkaSecurityTest, a_certificate_for_another_host_is_refused_unless_told_otherwise) {
    kafka.use_tls(server_context(authority.issue({.alternatives = "DNS:broker-9.example,IP:10.0.0.9"})));
    expect_in(error_of(options(trusting(authority))),
              "its certificate is for broker-9.example, 10.0.0.9, not for 127.0.0.1");
    TlsFiles unchecked = trusting(authority);
    unchecked.check_hostname = false;
    EXPECT_EQ(error_of(options(unchecked)), "");
}

TEST_F(KafkaSecurityTest, a_certificate_out_of_its_time_is_refused) {
    kafka.use_tls(server_context(authority.issue({.valid_from_s = -7'200, .valid_to_s = -3'600})));
    expect_in(error_of(options(trusting(authority))), "its certificate (CN=broker-1) has expired on 20");
    kafka.use_tls(server_context(authority.issue({.valid_from_s = 3'600, .valid_to_s = 7'200})));
    expect_in(error_of(options(trusting(authority))), "is this machine's clock right?");
}

TEST_F(KafkaSecurityTest, a_client_certificate_is_shown_where_it_is_demanded) {
    const FakeAuthority clients("Client CA");
    kafka.use_tls(server_context(authority.issue({}), &clients));
    TlsFiles files = trusting(authority);
    expect_in(error_of(options(files)), "it demands a client certificate: give `certificate` and `key`");
    const FakeCertificate ours = clients.issue({.name = "medic"});
    files.certificate = folder.certificate("medic.pem", ours);
    files.key = folder.key("medic.key", ours);
    EXPECT_EQ(error_of(options(files)), "");
    const FakeCertificate strange = other.issue({.name = "medic"});
    files.certificate = folder.certificate("strange.pem", strange);
    files.key = folder.key("strange.key", strange);
    expect_in(error_of(options(files)), "it does not accept our client certificate");
    files.key = folder.key("medic.key", ours);
    expect_in(error_of(options(files)), "expected a private key in PEM form, without a passphrase, that belongs to");
}

TEST_F(KafkaSecurityTest, files_that_cannot_be_read_are_named) {
    expect_in(error_of(options(TlsFiles{.ca = "/no/such/ca.pem"})), "tls: ca /no/such/ca.pem: expected certificates");
    expect_in(error_of(options(TlsFiles{.ca = folder.write("junk.pem", "junk")})), "expected certificates in PEM form");
}

TEST_F(KafkaSecurityTest, a_rotated_authority_is_found_at_the_next_connection) {
    kafka.use_tls(server_context(authority.issue({})));
    KafkaClient client(options(trusting(other)));
    EXPECT_FALSE(client.brokers());
    (void)trusting(authority);  // The same file.
    Result<KafkaBrokers> brokers;
    for (int attempt = 0; attempt < 200 && !brokers; ++attempt) {
        brokers = client.brokers();
        if (!brokers) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(brokers) << brokers.error().message;
}

TEST_F(KafkaSecurityTest, a_plain_listener_and_a_tls_listener_are_told_apart) {
    expect_in(error_of(options(TlsFiles{})), "in the TLS handshake: a plain-text listener does that");
    kafka.use_tls(server_context(authority.issue({})));
    expect_in(error_of(options()), "a listener that wants TLS does that: is `tls:` missing?");
}

TEST_F(KafkaSecurityTest, every_mechanism_logs_in) {
    ask_for_login({"PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"});
    EXPECT_EQ(error_of(login("PLAIN", "s3cret")), "");
    EXPECT_EQ(error_of(login("OAUTHBEARER", "s3cret")), "");
    EXPECT_EQ(error_of(login("SCRAM-SHA-256", "s3cret")), "");
    kafka.use_tls(server_context(authority.issue({})));
    KafkaClientOptions both = login("SCRAM-SHA-256", "s3cret");
    both.security.tls = trusting(authority);
    EXPECT_EQ(error_of(both), "");
}

TEST_F(KafkaSecurityTest, a_wrong_password_is_told_without_showing_it) {
    ask_for_login({"PLAIN", "SCRAM-SHA-256"});
    for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256"}) {
        const std::string error = error_of(login(mechanism, "wr0ng"));
        expect_in(error, std::string("login as `alice` with ") + mechanism + ": refused (secret from file ");
        EXPECT_EQ(error.find("wr0ng"), std::string::npos);
    }
}

TEST_F(KafkaSecurityTest, a_refused_token_is_told_without_showing_it) {
    ask_for_login({"OAUTHBEARER"});
    const std::string error = error_of(login("OAUTHBEARER", "0ld"));
    expect_in(error, "login with OAUTHBEARER (secret from file ");
    expect_in(error, "refused: {\"status\":\"invalid_token\"}");
    EXPECT_EQ(error.find("0ld"), std::string::npos);
}

TEST_F(KafkaSecurityTest, a_broker_that_cannot_sign_is_not_believed) {
    ask_for_login({"SCRAM-SHA-256"});
    kafka.change_listener([](auto& listener) { listener.logins->knows_password = false; });
    expect_in(error_of(login("SCRAM-SHA-256", "s3cret")), "the server's signature is wrong");
}

TEST_F(KafkaSecurityTest, a_listener_that_offers_another_login_or_none_says_so) {
    ask_for_login({"SCRAM-SHA-512"});
    expect_in(error_of(login("PLAIN", "s3cret")), "its listener offers SCRAM-SHA-512: set `mechanism` to one of them");
    kafka.change_listener([](auto& listener) { listener.logins.reset(); });
    expect_in(error_of(login("PLAIN", "s3cret")), "its listener asks for no login: remove `sasl:`");
    ask_for_login({"PLAIN"});
    expect_in(error_of(options()), "is `sasl:` missing?");
}

TEST_F(KafkaSecurityTest, an_old_broker_without_sasl_requests_is_told_to_be_too_old) {
    ask_for_login({"PLAIN"});
    kafka.versions[ApiKey::sasl_handshake] = {0, 0};
    expect_in(error_of(login("PLAIN", "s3cret")), "too old for it: expected Kafka 1.0 or newer");
}

TEST_F(KafkaSecurityTest, a_session_is_renewed_before_it_ends) {
    ask_for_login({"SCRAM-SHA-256"});
    kafka.change_listener([](auto& listener) {
        listener.logins->session_lifetime_ms = 1;
    });  // Over at once: every call logs in anew, on the same connection.
    KafkaClient client(login("SCRAM-SHA-256", "s3cret"));
    ASSERT_TRUE(client.brokers());
    ASSERT_TRUE(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}));
    const int connections = kafka.requests(ApiKey::api_versions), logins = kafka.requests(ApiKey::sasl_handshake);
    ASSERT_TRUE(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}));
    EXPECT_EQ(kafka.requests(ApiKey::sasl_handshake), logins + 1);
    EXPECT_EQ(kafka.requests(ApiKey::api_versions), connections);
}

TEST_F(KafkaSecurityTest, a_broker_of_another_cluster_is_not_asked_anything_else) {
    KafkaClientOptions given = options();
    given.check_cluster = true;
    KafkaClient client(given);
    ASSERT_TRUE(client.brokers());
    kafka.stop(0);
    kafka.cluster_id = "stranger";
    kafka.start(0);
    Result<wire::ListGroupsResponse> answer;
    for (int attempt = 0; attempt < 200; ++attempt) {
        answer = client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{});
        if (!answer && answer.error().code == ErrorCode::invalid) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_FALSE(answer);
    expect_in(answer.error().message, "belongs to another cluster: its cluster id is stranger, expected fake");
    EXPECT_EQ(kafka.requests(ApiKey::list_groups), 0);

    given.cluster_id = "expected";
    expect_in(error_of(given), "its cluster id is stranger, expected expected");
}

}  // namespace
}  // namespace medic
