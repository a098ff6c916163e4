// What becomes of answers that no etcd gives; what a real one says is in tests/contract/etcd_lease_test.cc.
#include "agent/lease/etcd_leases.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "agent/world/real/http_server.h"

namespace medic {
namespace {

// Answers by path; what is not listed is {}.
class FakeEtcd {
public:
    explicit FakeEtcd(std::map<std::string, std::string> answers, int status = 200) {
        server_ = HttpServer::start({}, [answers = std::move(answers), status](const HttpRequest& request) {
                      const auto found = answers.find(request.path);
                      return HttpResponse{.status = status,
                                          .body = found == answers.end() ? "{}" : found->second,
                                          .content_type = "application/json",
                                          .headers = {}};
                  }).value();
    }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
    [[nodiscard]] Result<LeaseGrant> claim() const {
        return make_etcd_leases({.urls = {"http://medic:hunter2@" + address()}, .holder = "a"})->claim("lab");
    }

private:
    std::unique_ptr<HttpServer> server_;
};

TEST(EtcdLeases, AnErrorNamesTheAddressWithoutItsLogin) {
    for (const int status : {503, 404}) {
        const FakeEtcd etcd({}, status);
        const auto claimed = etcd.claim();
        ASSERT_FALSE(claimed);
        const std::string& message = claimed.error().message;
        EXPECT_NE(message.find("http://" + etcd.address()), std::string::npos) << message;
        EXPECT_NE(message.find(std::to_string(status)), std::string::npos) << message;
        EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
        EXPECT_EQ(message.find("medic:"), std::string::npos) << message;
    }
}

TEST(EtcdLeases, WhatIsOfAnotherTypeGrantsNothing) {
    for (const char* told : {R"({"succeeded":"yes"})", R"({"succeeded":[true]})", R"({"succeeded":null})"}) {
        const auto claimed = FakeEtcd({{"/v3/lease/grant", R"({"ID":"7"})"}, {"/v3/kv/txn", told}}).claim();
        ASSERT_FALSE(claimed) << told;
        EXPECT_EQ(claimed.error().code, ErrorCode::unavailable) << told;
    }
    const auto headless =
        FakeEtcd({{"/v3/lease/grant", R"({"ID":"7"})"}, {"/v3/kv/txn", R"({"succeeded":true,"header":[7]})"}}).claim();
    EXPECT_FALSE(headless);
}

TEST(EtcdLeases, AnAnswerThatIsNestedEndlesslyIsNone) {
    constexpr std::size_t levels = 200'000;
    const std::string header = std::string(levels, '[') + std::string(levels, ']');
    const auto claimed = FakeEtcd({{"/v3/lease/grant", R"({"ID":"7"})"},
                                   {"/v3/kv/txn", R"({"succeeded":true,"header":)" + header + "}"}})
                             .claim();
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
