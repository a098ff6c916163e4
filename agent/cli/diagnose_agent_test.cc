// What diagnose says of an agent's answer, and what a watch tells of two results.
#include "agent/cli/diagnose_agent.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "agent/base/plain_text.h"
#include "agent/cli/diagnose_text.h"
#include "agent/daemon/diagnosis_document.h"
#include "agent/world/real/http_fake_internal.h"

namespace medic::cli {
namespace {

using Verdict = DiagnoseResult::Verdict;

Diagnosis lost() {
    Diagnosis one;
    one.cause = "kafka.broker-lost";
    one.side = Side::system;
    one.owner = "kafka platform";
    one.subject = {"c", "broker", "2"};
    one.since = {1'764'331'180'000};
    one.confidence = 0.9;
    one.summary = "broker 2 is gone";
    one.evidence = {{"metric", "process_up", "no process on b2", 0, {1'764'331'181'000}}};
    one.remedies = {"kafka.restart-broker"};
    return one;
}

DiagnoseResult seen(Verdict verdict) {
    DiagnoseResult one;
    one.seen_by = {
        .kind = SeenBy::Kind::agent, .since = {1'764'320'400'000}, .address = "http://127.0.0.1:9469", .note = ""};
    one.report.at = {1'764'331'200'000};
    one.targets = 9;
    one.verdict = verdict;
    return one;
}

DiagnoseResult with_planned() {
    DiagnoseResult one = seen(Verdict::healthy);
    Finding work;
    work.subject = {"c", "broker", "2"};
    work.since = {1'764'331'100'000};
    work.summary = "broker 2 was stopped in good order";
    one.report.planned = {work};
    return one;
}

DiagnoseResult with_lost() {
    DiagnoseResult one = seen(Verdict::problem);
    one.report.diagnoses = {lost()};
    one.by_itself = {""};
    Diagnosis other = lost();
    other.cause = "connect.task-stuck";
    other.subject = {"c", "connector-task", "orders/0"};
    other.summary = "task 0 moves nothing";
    one.incidents = {{.id = "I7",
                      .state = "waiting_approval",
                      .waiting_for = "kafka platform",
                      .doing = "start broker 2 again",
                      .first_failure = "java.io.IOException: No space left on device",
                      .opened_at = {1'764'331'180'000},
                      .diagnosis = lost()},
                     {.id = "I6",
                      .state = "healed",
                      .waiting_for = "",
                      .doing = "",
                      .first_failure = "",
                      .opened_at = {1'764'331'000'000},
                      .diagnosis = other}};
    return one;
}

void expect_transcript(const std::string& name, const std::string& text) {
    const std::string path = "agent/cli/testdata/" + name;
    if (std::getenv("MEDIC_WRITE_TRANSCRIPTS") != nullptr) std::ofstream(path) << text;
    std::ifstream in(path);
    EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(in), {})) << path;
}

TEST(DiagnoseTranscript, AsTheAgentSeesIt) {
    expect_transcript("diagnose-planned.txt", text_of(with_planned(), false));
    expect_transcript("diagnose-incident.txt", text_of(with_lost(), false));
    expect_transcript("diagnose-incident.json", json_of(with_lost(), false));
    expect_transcript("diagnose-incident.yaml", json_of(with_lost(), true));
    DiagnoseResult own = seen(Verdict::healthy);
    own.seen_by = {.kind = SeenBy::Kind::look,
                   .since = {1'764'331'192'000},
                   .address = "",
                   .note = "no agent answers at http://127.0.0.1:9469"};
    expect_transcript("diagnose-own.txt", text_of(own, false));
}

TEST(DiagnoseText, NothingThatOthersSayIsAnOrderToTheTerminal) {
    const std::string hostile = "x\x1b[2J\x1b]0;owned\a\r\x7f\u009b31m\x9b";
    DiagnoseResult one = with_lost();
    Diagnosis& lost = one.report.diagnoses.at(0);
    for (std::string* text : {&lost.summary, &lost.cause, &lost.owner, &lost.subject.name, &lost.evidence.at(0).text})
        *text = hostile;
    lost.effects = lost.remedies = lost.missing = {hostile};
    lost.alternatives = {{.cause = hostile, .confidence = 0.1, .why_not = hostile}};
    for (OpenIncident& incident : one.incidents)
        incident.waiting_for = incident.doing = incident.first_failure = incident.diagnosis.summary = hostile;
    one.incidents.at(0).diagnosis = lost;
    one.by_itself = {hostile};
    one.blind = {{hostile, hostile}};
    one.unobserved = {hostile};
    one.seen_by.address = hostile;
    const std::string text = text_of(one, true);
    EXPECT_EQ(text, plain_text(text));
    EXPECT_NE(text.find("x[2J]0;owned"), std::string::npos) << "what they say is still told:\n" << text;
    Classification said;
    said.cause = hostile;
    said.evidence = {{"log", "", hostile, 0, {}}};
    const std::string told = text_of(TextVerdict{.said = said, .owner = hostile, .unread = hostile});
    EXPECT_EQ(told, plain_text(told));
}

TEST(DiagnoseWatch, TellsFirstWhatHoldsAndThenOnlyWhatChanged) {
    using Lines = std::vector<std::string>;
    const DiagnoseResult calm = with_planned(), bad = with_lost();
    EXPECT_EQ(changes(nullptr, calm),
              (Lines{"= healthy: Planned work is under way, nothing else stands out: 9 targets seen. (as seen by the "
                     "agent)",
                     "+ planned-work c:broker/2: broker 2 was stopped in good order"}));
    EXPECT_EQ(changes(&calm, calm), Lines{});
    EXPECT_EQ(changes(&calm, bad),
              (Lines{"= problem (as seen by the agent)",
                     "+ kafka.broker-lost c:broker/2: broker 2 is gone [system side, for kafka platform]",
                     "+ incident I6 c:connector-task/orders/0: healed", "+ incident I7 c:broker/2: waiting_approval",
                     "- planned-work c:broker/2: broker 2 was stopped in good order"}));
    DiagnoseResult own = calm;
    own.seen_by = {.kind = SeenBy::Kind::look, .since = {}, .address = "", .note = "no agent answers"};
    EXPECT_EQ(changes(&calm, own).size(), 1U) << "whose eyes it is must be told";
}

std::string refused(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

struct Asked {
    std::string answer;
    FakeWeb web{[this](const std::string& head) {
        return head.starts_with("GET /api/v1/diagnosis ") ? answer : refused(404, "");
    }};
    [[nodiscard]] Result<DiagnoseResult> ask(const std::string& watched) const {
        AgentAddress address;
        address.config = "medic.yaml";
        address.url = web.url();
        return ask_agent(address, watched);
    }
};

TEST(AskAgent, TellsWhatTheAgentSees) {
    const Asked agent{.answer = web_answer(diagnosis_document(with_planned(), "w1"))};
    for (const char* watched : {"w1", ""}) {
        const auto said = agent.ask(watched);
        ASSERT_TRUE(said) << said.error().message;
        EXPECT_EQ(said->seen_by.kind, SeenBy::Kind::agent);
        EXPECT_EQ(said->seen_by.address, agent.web.url());
        EXPECT_EQ(said->report.planned.size(), 1U);
    }
}

TEST(AskAgent, AnAgentThatWatchesSomethingElseIsNotBelieved) {
    const Asked agent{.answer = web_answer(diagnosis_document(with_planned(), "w1"))};
    const auto said = agent.ask("w2");
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().code, ErrorCode::outdated);
}

TEST(AskAgent, OneThatCannotTellSaysWhy) {
    const auto why = [](const std::string& answer) {
        const auto said = Asked{.answer = answer}.ask("w1");
        return said ? "it told" : said.error().message;
    };
    EXPECT_NE(why(refused(503, R"({"schema":1,"error":"its newest look is older than 30 s"})")).find("older than 30 s"),
              std::string::npos);
    EXPECT_NE(why(refused(404, "")).find("of a version that can't tell"), std::string::npos);
    EXPECT_NE(why(refused(500, "no JSON")).find("HTTP status 500"), std::string::npos);
    EXPECT_NE(why(web_answer("{}")), "it told");
    AgentAddress nobody;
    nobody.url = "http://127.0.0.1:1";
    const auto said = ask_agent(nobody, "");
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().message, "no agent answers at http://127.0.0.1:1");
}

}  // namespace
}  // namespace medic::cli
