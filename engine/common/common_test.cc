#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <future>
#include <set>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/common/metrics_page.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/common/throw_trace.h"

namespace medic::engine {

// Not in the unnamed namespace: only functions with external linkage have names at run time.
void throw_out_of_range_for_test();
__attribute__((noinline)) void throw_out_of_range_for_test() { static_cast<void>(std::string("abc").at(7)); }

namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Process, RunsAnArgumentListAsItIsAndAppendsItsOutput) {
    char folder[] = "/tmp/medic-process-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    ProcessSpec spec;
    spec.argv = {"/bin/echo", "a b", "$HOME", "; rm -rf x"};
    spec.log_file = std::string(folder) + "/out.log";
    for (int i = 0; i < 2; ++i) {
        const auto child = spawn(spec);
        ASSERT_TRUE(child) << child.error().message;
        EXPECT_TRUE(wait_gone(*child, Duration{10'000}));
    }
    std::stringstream text;
    text << std::ifstream(spec.log_file).rdbuf();
    EXPECT_EQ(text.str(), "a b $HOME ; rm -rf x\na b $HOME ; rm -rf x\n");
    unlink(spec.log_file.c_str());
    rmdir(folder);
}

TEST(Process, TellsWhatCannotBeStarted) {
    ProcessSpec spec;
    EXPECT_EQ(spawn(spec).error().code, ErrorCode::invalid);
    spec.argv = {"/no/such/program"};
    const auto child = spawn(spec);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code, ErrorCode::invalid);
    EXPECT_THAT(child.error().message, HasSubstr("/no/such/program"));
}

TEST(Process, TellsHowAChildEnded) {
    ProcessSpec spec;
    spec.argv = {"/bin/sleep", "1000"};
    const auto child = spawn(spec);
    ASSERT_TRUE(child);
    EXPECT_TRUE(is_alive(*child));
    EXPECT_FALSE(reap(*child));
    ASSERT_TRUE(send_signal(*child, SIGKILL));
    std::optional<ProcessExit> end;
    for (int i = 0; i < 60'000 && !end; ++i) {
        end = reap(*child);
        usleep(1000);
    }
    ASSERT_TRUE(end);
    EXPECT_EQ(end->signal, SIGKILL);
    EXPECT_FALSE(is_alive(*child));
    EXPECT_EQ(process_state(*child), '\0');
}

TEST(Process, NeverSignalsAnotherProcessWithTheSamePid) {
    auto self = find_process(getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(send_signal(*self, 0));
    self->start_ticks += 1;
    EXPECT_FALSE(is_alive(*self));
    EXPECT_EQ(send_signal(*self, SIGKILL).error().code, ErrorCode::not_ready);
}

TEST(Process, KillsWhatIgnoresTheTermSignal) {
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"};
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    spec.fds = {{pipe_ends[1], STDOUT_FILENO}};
    spec.session = ProcessSpec::Session::own;
    const auto child = spawn(spec);
    ASSERT_TRUE(child);
    close(pipe_ends[1]);
    char ready[6];
    ASSERT_EQ(read(pipe_ends[0], ready, sizeof ready), 6);
    EXPECT_EQ(getsid(child->pid), child->pid);
    terminate(*child, Duration{20});
    EXPECT_FALSE(is_alive(*child));
    kill(-child->pid, SIGKILL);  // Its own session: the sleep of the shell.
    close(pipe_ends[0]);
}

TEST(Process, LeavesNoZombieOfAChildThatHasEndedByItself) {
    ProcessSpec spec;
    spec.argv = {"/bin/true"};
    const auto child = spawn(spec);
    ASSERT_TRUE(child);
    for (int i = 0; i < 60'000 && is_alive(*child); ++i) usleep(1000);
    ASSERT_EQ(process_state(*child), 'Z');
    terminate(*child, Duration{20});
    EXPECT_EQ(process_state(*child), '\0');
}

TEST(LastingPort, IsNeverTheSameForTwoThreads) {
    constexpr std::size_t each = 2'000;
    const auto take = [] {
        std::vector<std::uint16_t> taken;
        while (taken.size() < each) {
            const auto port = lasting_port();
            if (!port) break;
            taken.push_back(*port);
        }
        return taken;
    };
    auto others = std::async(std::launch::async, take);
    const auto ours = take(), theirs = others.get();
    std::set<std::uint16_t> different(ours.begin(), ours.end());
    different.insert(theirs.begin(), theirs.end());
    EXPECT_EQ(different.size(), 2 * each);
}

TEST(Signals, AStopSignalIsReadNotDelivered) {
    signal(SIGHUP, SIG_DFL);  // Whoever runs the tests may ignore it.
    prepare_signals();
    const StopSignal stop;
    EXPECT_FALSE(stop.wait_for(Duration{0}));
    for (const int one : {SIGTERM, SIGHUP}) {
        kill(getpid(), one);
        EXPECT_TRUE(stop.wait_for(Duration{10'000})) << one;
        stop.wait();
        const int own = stop.fd();
        char info[128];
        EXPECT_EQ(read(own, info, sizeof info), 128);
    }
}

TEST(ThrowTrace, TellsTypeMessageAndWhereItWasThrown) {
    std::string text;
    try {
        throw_out_of_range_for_test();
    } catch (const std::exception&) {
        text = describe_current_exception();
    }
    EXPECT_THAT(text, testing::StartsWith("std::out_of_range: "));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_THAT(text, HasSubstr("\tat medic::engine::throw_out_of_range_for_test()(medic_engine_common_test+0x"));
#endif
}

TEST(ThrowTrace, NamesTheRealProductsClass) {
    try {
        throw NamedException("org.apache.kafka.connect.errors.DataException", "bad record");
    } catch (...) {
        EXPECT_THAT(describe_current_exception(),
                    testing::StartsWith("org.apache.kafka.connect.errors.DataException: bad record\n"));
    }
    try {
        throw 5;
    } catch (...) {
        EXPECT_THAT(describe_current_exception(), testing::StartsWith("int\n"));
    }
}

TEST(MetricsPage, GroupsSamplesByNameAndEscapesLabels) {
    MetricsPage page;
    page.add("b", {{"x", "a\"\\\n"}, {"y", ""}}, 1.5);
    page.add("a_total", {}, 3, MetricsPage::Type::counter);
    page.add("b", {}, NAN);
    EXPECT_EQ(page.render(),
              "# TYPE a_total counter\na_total 3\n# TYPE b untyped\nb{x=\"a\\\"\\\\\\n\",y=\"\"} 1.5\nb NaN\n");
}

TEST(MetricsPage, MeasuresItsOwnProcess) {
    MetricsPage page;
    page.add_process();
    const std::string text = page.render();
    for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
                             "process_start_time_seconds "})
        EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
    EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

}  // namespace
}  // namespace medic::engine
