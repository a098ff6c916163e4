// What the doors outwards are made of: fetching over HTTP, and running commands.
#include "agent/base/test_folder_internal.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/running_internal.h"

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <sys/wait.h>

namespace medic {
namespace {

using namespace world_test;

constexpr const char* silent_name = "silent.name-server.test";
constexpr Duration name_server_patience{6'000};

TEST(HttpFetcher, GivesStatusTypeAndBody) {
    Server server([](const HttpRequest& request) { return answer(request.path == "/x" ? 200 : 404, "{\"a\":1}"); });
    Running running;
    const auto good = running.fetch({.url = server.url() + "/x"});
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_EQ(good->status, 200);
    EXPECT_EQ(good->body, "{\"a\":1}");
    EXPECT_EQ(good->content_type, "application/json");
    EXPECT_EQ(running.fetch({.url = server.url() + "/y"})->status, 404);
}

TEST(HttpFetcher, ARefusedConnectionNeverArrived) {
    Running running;
    const auto refused = running.fetch({.method = "POST", .url = "http://127.0.0.1:1/x"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

TEST(HttpFetcher, AnAnswerLongerThanItsBoundIsRefused) {
    Server server([](const HttpRequest&) { return answer(200, std::string(100'000, 'x')); });
    Running running;
    const auto long_one = running.fetch({.url = server.url() + "/", .body_bytes_max = 1'000});
    ASSERT_FALSE(long_one);
    EXPECT_EQ(long_one.error().code, ErrorCode::invalid);
}

TEST(HttpFetcher, OnlyTheEndOfAnAnswerIsKeptWhereOnlyThatIsAskedFor) {
    Server server([](const HttpRequest& request) {
        return answer(200, request.path == "/short" ? "short" : std::string(300'000, 'x') + "the end");
    });
    Running running;
    const auto long_one =
        running.fetch({.url = server.url() + "/", .body_bytes_max = 400'000, .body_tail_bytes = 1'000});
    ASSERT_TRUE(long_one);
    EXPECT_EQ(long_one->body.size(), 1'000U);
    EXPECT_TRUE(long_one->body.ends_with("xthe end"));
    EXPECT_EQ(long_one->left_out_bytes, 300'007U - 1'000U);
    const auto short_one =
        running.fetch({.url = server.url() + "/short", .body_bytes_max = 400'000, .body_tail_bytes = 1'000});
    ASSERT_TRUE(short_one);
    EXPECT_EQ(short_one->body, "short");
    EXPECT_EQ(short_one->left_out_bytes, 0U);
    const auto too_long =
        running.fetch({.url = server.url() + "/", .body_bytes_max = 200'000, .body_tail_bytes = 1'000});
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code, ErrorCode::invalid);
}

TEST(HttpFetcher, ATimeOutAfterSendingHasAnUnknownOutcome) {
    SilentServer server;
    Running running;
    const auto late = running.fetch({.method = "POST", .url = server.url() + "/", .timeout = Duration{2'000}});
    server.release();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::outcome_unknown);
}

TEST(HttpFetcher, ManyRequestsAtOnceAllGetAnswers) {
    Server server([](const HttpRequest&) { return answer(200, "ok"); });
    Running running;
    std::atomic<int> good = 0;
    const auto all = running.wait<int>([&](auto done) {
        for (int i = 0; i < 200; ++i)
            running.fetcher.fetch({.url = server.url() + "/"}, [&, done](Result<FetchReply> reply) {
                if (reply && reply->status == 200 && ++good == 200) done(200);
            });
    });
    EXPECT_TRUE(all);
    EXPECT_EQ(running.fetcher.writing_requests(), 0u);
}

TEST(HttpFetcher, ANameServerThatDoesNotAnswerHoldsUpNoOther) {
    Running running;
    std::atomic<bool> over = false;
    std::atomic<Instant> last = Instant::max();
    std::atomic<Duration> gap = Duration{0};  // The longest between two turns of the one I/O thread.
    running.reactor.every(Duration{20}, Duration{20}, [&] {
        const Instant now = read_clock().monotonic;
        if (over) return;
        if (last.load() != Instant::max()) gap = std::max(gap.load(), now - last.load());
        last = now;
    });
    const auto reply = running.fetch({.url = "http://" + std::string(silent_name) + "/", .timeout = Duration{1'000}});
    over = true;
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
    EXPECT_LT(gap.load(), name_server_patience / 2);
}

// What a node's driver starts lives on: it must not hold the port of an agent that is to start again.
TEST(RunCommand, InheritsNothingThatTheAgentHasOpen) {
    Server server([](const HttpRequest&) { return answer(200, "{}"); });
    Running running;
    const int ours = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_GT(ours, 2);
    const auto listed = running.run({.argv = {"ls", "-l", "/proc/self/fd"}});
    const auto reply = running.run(
        {.argv = {"/bin/sh", "-c", "test -e /proc/$$/fd/" + std::to_string(ours) + " && echo there || echo away"}});
    ::close(ours);
    ASSERT_TRUE(listed) << listed.error().message;
    EXPECT_EQ(listed->output.find("socket:"), std::string::npos) << listed->output;
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output, "away\n");
}

TEST(RunCommand, GivesOutputErrorsAndExitCode) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->exit_code, 3);
    EXPECT_EQ(reply->output, "out\n");
    EXPECT_EQ(reply->errors, "err\n");
}

TEST(RunCommand, AMissingProgramWasNotStarted) {
    Running running;
    const auto reply = running.run({.argv = {"/no/such/program"}});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
}

TEST(RunCommand, IsKilledWithItsChildrenAtItsDeadline) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "sleep 300 & sleep 300"}, .timeout = Duration{200}});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
}

TEST(RunCommand, OutputIsBounded) {
    Running running;
    const auto reply = running.run({.argv = {"head", "-c", "1000000", "/dev/zero"}, .output_bytes_max = 1'000});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output.size(), 1'000u);
    EXPECT_EQ(reply->exit_code, 0);
}

// Looks again and again; generous: it only ends a broken test.
template <class Condition>
bool eventually(Condition holds) {
    const Instant end = read_clock().monotonic + Duration{20'000};
    while (!holds()) {
        if (read_clock().monotonic > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

bool runs(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    return (in >> number >> name >> state) && state != "Z" && state != "X";
}

// The program has ended by itself while its deadline passed, and what it left running holds its output: the reactor
// stands still meanwhile and then learns of both in one turn, of the end first.
TEST(RunCommand, WhatAnEndedProgramLeftRunningIsNotKilledAtItsDeadline) {
    const TestFolder folder;
    const std::string file = (folder.path / "pids").string();
    Running running;
    pid_t program = 0, left = 0;
    const auto reply = running.wait<CommandReply>([&](auto done) {
        constexpr Duration deadline{1};
        run_command(running.reactor,
                    {.argv = {"sh", "-c", "sleep 300 & echo $$ $! > \"$0\"", file}, .timeout = deadline}, done);
        const Instant passed = read_clock().monotonic + deadline * 2;
        EXPECT_TRUE(eventually([&] {
            std::ifstream in(file);
            return static_cast<bool>(in >> program >> left);
        }));
        siginfo_t ended = {};
        EXPECT_EQ(waitid(P_PID, static_cast<id_t>(program), &ended, WEXITED | WNOWAIT), 0);
        EXPECT_TRUE(eventually([&] { return read_clock().monotonic > passed; }));
    });
    ASSERT_GT(left, 0);
    EXPECT_TRUE(runs(left));
    kill(left, SIGKILL);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->exit_code, 0);
}

TEST(Filled, PutsValuesIntoTheirPlacesAndNothingElse) {
    const std::map<std::string, std::string> values = {{"a", "x {b}"}, {"b", "-1"}, {"none", ""}};
    EXPECT_EQ(filled({"run", "{a}", "of={b}", "{c}", "{", "--of", "-{b}", "{none}"}, values).value(),
              (std::vector<std::string>{"run", "x {b}", "of=-1", "{c}", "{", "--of", "--1", ""}));
}

TEST(Filled, NoValueBecomesAnOption) {
    for (const char* place : {"{connector}", "{none}{connector}", "{connector}/{task}"}) {
        const auto argv = filled({"ctl", place}, {{"connector", "--all"}, {"task", "3"}, {"none", ""}});
        ASSERT_FALSE(argv) << place;
        EXPECT_EQ(argv.error().code, ErrorCode::invalid);
        EXPECT_NE(argv.error().message.find("`" + std::string(place) + "`"), std::string::npos) << argv.error().message;
    }
    EXPECT_TRUE(filled({"ctl", "--connector={connector}"}, {{"connector", "--all"}}));
}

TEST(RunCommand, ALeftBehindDaemonDoesNotHoldIt) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "echo up; exec setsid sleep 5 &"}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output, "up\n");
}

}  // namespace

bool is_silent_name(const char* name) { return name != nullptr && std::string_view(name) == silent_name; }
void ask_silent_name_server() { std::this_thread::sleep_for(name_server_patience); }

}  // namespace medic

// Stands before libc's: one name's server does not answer; all else goes on to it.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    if (medic::is_silent_name(name)) {
        medic::ask_silent_name_server();
        return EAI_AGAIN;
    }
    static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}
