// What may change something: sent at most once, and never after its time.
#include "agent/world/real/http_fetcher.h"

#include "agent/base/test_folder_internal.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_fake_internal.h"
#include "agent/world/real/running_internal.h"

namespace medic {
namespace {

using namespace world_test;

constexpr Duration long_enough{60'000};

// Generous: it only ends a broken test.
bool comes_to(Server& server, std::size_t requests) {
    const Instant end = read_clock().monotonic + Duration{20'000};
    while (read_clock().monotonic < end) {
        {
            const std::lock_guard lock(server.mutex);
            if (server.seen.size() >= requests) return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

void expect_not_sent(const Result<FetchReply>& reply) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
    EXPECT_NE(reply.error().message.find("not sent"), std::string::npos) << reply.error().message;
}

// A look has left a connection behind that a change would be sent on, and then sent again.
TEST(HttpFetcher, AChangeIsSentOnceThoughItsServerHangsUp) {
    HangingUpWeb web;
    Running running;
    std::vector<std::string> expected;
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        ASSERT_TRUE(running.fetch({.url = web.url() + "/look", .timeout = long_enough}));
        const auto reply = running.fetch({.method = method, .url = web.url() + "/change", .timeout = long_enough});
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown) << method;
        expected.insert(expected.end(), {"GET /look", std::string(method) + " /change"});
    }
    EXPECT_EQ(web.seen(), expected);
}

TEST(HttpFetcher, AChangeWhoseTurnDoesNotComeInTimeIsNotSent) {
    std::promise<void> let_go;
    Server server{[released = let_go.get_future().share()](const HttpRequest& request) {
                      if (request.path == "/hangs") released.wait();
                      return answer(200, "{}");
                  },
                  2};
    Running running;
    running.reactor.post([&] {
        for (int i = 0; i < 2; ++i)  // As many as one host is sent at a time.
            running.fetcher.fetch({.method = "POST", .url = server.url() + "/hangs", .timeout = long_enough},
                                  [](const Result<FetchReply>&) {});
    });
    const bool both_hang = comes_to(server, 2);
    // Told while they still hang: whoever decided on it need not wait for them.
    const auto late = running.fetch({.method = "POST", .url = server.url() + "/late", .timeout = Duration{100}});
    let_go.set_value();
    EXPECT_TRUE(both_hang);
    expect_not_sent(late);
    EXPECT_TRUE(running.fetch({.method = "POST", .url = server.url() + "/next", .timeout = long_enough}));
    const std::lock_guard lock(server.mutex);
    EXPECT_EQ(server.seen, (std::vector<std::string>{"POST /hangs ", "POST /hangs ", "POST /next "}));
}

TEST(HttpFetcher, AChangeWhoseSecretDoesNotComeInTimeIsNotSent) {
    const TestFolder folder;
    const std::string go = (folder.path / "go").string();
    HttpAccess access;
    access.auth.bearer.command = {"sh", "-c", "while [ ! -e \"$0\" ]; do sleep 0.02; done; echo t0ken", go};
    const auto shared = std::make_shared<const HttpAccess>(std::move(access));
    FakeWeb web([](const std::string&) { return web_answer(); });
    Running running;
    const auto late =
        running.fetch({.method = "POST", .url = web.url() + "/late", .access = shared, .timeout = Duration{100}});
    std::ofstream(go) << "go";
    expect_not_sent(late);
    // It waits for the same secret, behind the other one.
    (void)running.fetch({.url = web.url() + "/next", .access = shared, .timeout = long_enough});
    EXPECT_TRUE(std::ranges::none_of(web.heads(), [](const auto& head) { return head.starts_with("POST"); }));
}

TEST(HttpFetcher, ADeadlineHoldsForALookToo) {
    Server server([](const HttpRequest&) { return answer(200, "{}"); });
    Running running;
    expect_not_sent(
        running.fetch({.url = server.url() + "/late", .timeout = long_enough, .deadline = read_clock().monotonic}));
    const std::lock_guard lock(server.mutex);
    EXPECT_TRUE(server.seen.empty());
}

// The time-out alone would outlast the test.
TEST(HttpFetcher, ADeadlineEndsWhatWasSent) {
    SilentServer server;
    Running running;
    const auto reply = running.fetch({.method = "POST",
                                      .url = server.url() + "/",
                                      .timeout = long_enough,
                                      .deadline = read_clock().monotonic + Duration{2'000}});
    server.release();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown) << reply.error().message;
}

}  // namespace
}  // namespace medic
