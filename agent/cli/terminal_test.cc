// Nothing of the outside is an order to the operator's terminal, whichever command prints it.
#include "agent/cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "agent/base/plain_text.h"
#include "agent/base/test_folder_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/run_medic_internal.h"
#include "agent/cli/table.h"
#include "agent/world/real/http_fake_internal.h"

namespace medic::cli {
namespace {

const std::string hostile = "x\x1b[2J\x1b]0;owned\a\r\x7f\u009b31m";
const std::string harmless = "x[2J]0;owned31m";

TEST(Terminal, TextIsPrintedWithoutOrdersAndDocumentsAsTheyAre) {
    EXPECT_EQ(printed([] { print_text("a\tb " + hostile + "\n"); }), "a\tb " + harmless + "\n");
    EXPECT_EQ(printed([] { print_as("wide", hostile); }), harmless);
    EXPECT_EQ(printed([] { print_as("json", "{\"a\": \"\\u001b\"}\n"); }), "{\"a\": \"\\u001b\"}\n");
    EXPECT_EQ(paint(hostile, Tone::plain), harmless);
}

// An agent says what it sends before it has been sent: with its output on a full disk it goes on.
TEST(Terminal, WhatCanNotBePrintedEndsNothing) {
    std::fflush(stdout);
    const int before = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
    ASSERT_GE(full, 0);
    dup2(full, STDOUT_FILENO);
    EXPECT_NO_THROW(print_text(std::string(64 * 1024, 'x') + "\n"));
    std::fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(full);
    close(before);
    std::clearerr(stdout);
    EXPECT_EQ(printed([] { print_text("it goes on\n"); }), "it goes on\n");
}

TEST(Terminal, ErrorsAreToldWithoutOrders) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(complain("broker says: " + hostile, exit_problem), exit_problem);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "medic: broker says: " + harmless + "\n");
}

TEST(Terminal, ACellIsOneLine) {
    Table table({"A", "B"});
    table.row({"a\nb", hostile}, Tone::bad);
    const std::string text = table.text();
    EXPECT_EQ(text, plain_text(text));
    EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
}

TEST(Terminal, AnIncidentsStoryIsToldWithoutOrders) {
    const std::string escaped = R"("x\u001b[2J\u001b]0;owned\u0007\r\u007f\u009b31m")";
    const FakeWeb web{[&](const std::string& head) {
        const std::string incident = R"({"id":"I1","state":"healed","opened_at":)" + escaped + R"(,"cluster":)" +
                                     escaped + R"(,"first_failure":)" + escaped + R"(,"diagnosis":{"cause":)" +
                                     escaped + R"(,"owner":)" + escaped + R"(,"summary":)" + escaped +
                                     R"(},"story":[{"at":"now","text":)" + escaped + "}]}";
        if (head.starts_with("GET /api/v1/incidents/I1 ")) return web_answer(incident);
        if (head.starts_with("GET /api/v1/incidents ")) return web_answer(R"({"incidents":[)" + incident + "]}");
        return web_answer(R"({"actions":[{"id":"I1/1","state":"waiting","text":)" + escaped + R"(,"waiting_for":)" +
                          escaped + R"(,"refusals":[{"why":)" + escaped + "}]}]}");
    }};
    for (const auto& arguments : {std::vector<std::string>{"incidents", "--url", web.url()},
                                  {"incidents", "I1", "--url", web.url()},
                                  {"actions", "--url", web.url()}}) {
        const Ran ran = run_medic(arguments);
        EXPECT_EQ(ran.code, exit_ok) << ran.errors;
        EXPECT_EQ(ran.out, plain_text(ran.out));
        // A row is one line: what would end it is a space there.
        EXPECT_TRUE(ran.out.find(harmless) != std::string::npos ||
                    ran.out.find(plain_line(hostile)) != std::string::npos)
            << ran.out;
    }
}

// CLI11 fills in variables that live on: the call that gives nothing comes first.
TEST(ConfigCheck, ReadsAPolicyToo) {
    const TestFolder folder;
    EXPECT_EQ(run_medic({"config", "check"}).code, exit_usage);
    const Ran good = run_medic({"config", "check", "--policy", folder.write("good.yaml", "schema: 1\n")});
    EXPECT_EQ(good.code, exit_ok) << good.errors;
    EXPECT_NE(good.out.find("good.yaml: good."), std::string::npos) << good.out;
    const Ran bad = run_medic({"config", "check", "--policy", folder.write("bad.yaml", "schema: 1\nrulez: []\n")});
    EXPECT_EQ(bad.code, exit_problem);
    EXPECT_NE(bad.errors.find("bad.yaml:2"), std::string::npos) << bad.errors;
}

TEST(Help, NamesOnlyWhatTheEngineHas) {
    const Ran help = run_medic({"--help"}), manual = run_medic({"man"});
    EXPECT_NE(help.out.find("lab"), std::string::npos) << help.out;
    EXPECT_EQ(help.out.find("fault NAME"), std::string::npos) << help.out;
    EXPECT_NE(manual.out.find("medic lab up"), std::string::npos) << manual.out;
    EXPECT_EQ(manual.out.find("lab fault"), std::string::npos) << manual.out;
}

}  // namespace
}  // namespace medic::cli
