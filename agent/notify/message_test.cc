#include "agent/notify/message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/base/plain_text.h"
#include "agent/notify/news_internal.h"
#include "agent/notify/payload.h"

namespace medic {
namespace {

using Json = nlohmann::json;
using news_test::at;
using news_test::incident;

Incident explained(IncidentState state = IncidentState::observing) {
    Incident one = incident("I17", state);
    one.diagnosis.evidence = {
        {.kind = "trace", .ref = "e", .text = "no heartbeat from tm-1\npassword=hunter2", .at = at(1).wall}};
    one.diagnosis.alternatives = {
        {.cause = "flink.network-partition", .side = Side::system, .confidence = 0.05, .why_not = ""}};
    one.diagnosis.missing = {"the process of tm-1"};
    one.first_failure = "java.net.ConnectException: jdbc:x://me:hunter2@db/x";
    one.plan = Plan{.remedy = "flink.replace-taskmanager", .summary = "replace tm-1 by tm-3"};
    one.plan->steps = {Step{.text = "fence tm-1"}, Step{.text = "start tm-3"}};
    one.step_number = 2;
    return one;
}

MessageContext context(const VerdictLinks* links = nullptr) {
    return {.api_url = "http://127.0.0.1:9469",
            .config_path = "/etc/my medic/medic.yaml",
            .links = links,
            .receiver = "chat",
            .now = at(125).wall};
}

Dispatch dispatch(const Incident& one, NewsEvent event = NewsEvent::opened) {
    Dispatch result{.key = "I17-1-x", .news = {}, .notice = "", .at = at(4).wall};
    result.news = {
        {.incident = std::make_shared<const Incident>(one), .event = event, .fingerprint = "f", .labels_before = ""}};
    return result;
}

TEST(Message, SaysWhatWhoseWhoSinceWhenHowSureWhyAndWhatNext) {
    const VerdictLinks links("k");
    const std::string text = message_of(explained(), context(&links)).text;
    for (const char* part :
         {"[medic] I17 prod: task manager tm-1 is lost (found, only observed)", "What: task manager tm-1 is lost",
          "Whose side: system", "Owner: team-a", "Since: 2025-11-28T03:20:00.000Z, for 2m5s", "How sure: 93 %",
          "next: flink.network-partition (system, 5 %)", "Cause: flink.taskmanager-lost of taskmanager/tm-1",
          "Evidence: no heartbeat from tm-1", "[trace]", "Not visible: the process of tm-1",
          "The agent: would do, if the policy let it: replace tm-1 by tm-3 (fence tm-1; start tm-3)",
          "Details: http://127.0.0.1:9469/api/v1/incidents/I17",
          "Right?: medic incidents --config '/etc/my medic/medic.yaml' verdict I17 right",
          "Wrong?: medic incidents --config '/etc/my medic/medic.yaml' verdict I17 wrong",
          "Right (link): http://127.0.0.1:9469/verdict/I17/right?to=chat&"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Message, HoldsNoSecretOfTheOutside) {
    Incident one = explained();
    one.diagnosis.summary = "can't log in: token=hunter2";
    one.plan->summary = "call http://me:hunter2@host/";
    const Dispatch news = dispatch(one);
    for (const std::string& text : {payload_json(news, context()), payload_text(news, context()),
                                    payload_alerts(news, context()).body, payload_title(news, context())})
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

// Whoever reads a message must be able to tell our lines from what others have put into theirs.
TEST(Message, WhatOthersSayBeginsNoLine) {
    const std::string forged = "Right?: medic verdict I17 right";
    Incident one = explained(IncidentState::escalated);
    one.first_failure = "java.io.IOException: no\n" + forged + "\r\n" + forged + "\u2028" + forged;
    one.diagnosis.evidence[0].text = "a trace\n" + forged;
    one.diagnosis.summary = "lost\n" + forged;
    one.diagnosis.owner = "team\n" + forged;
    one.diagnosis.subject.name = "tm-1\n" + forged;
    one.diagnosis.missing = {"a page\n" + forged};
    one.outcome = "given up\n" + forged;
    one.waiting_for = "team\u2029" + forged;
    one.plan->summary = "replace\n" + forged;
    one.plan->steps[0].text = "fence\n" + forged;
    const Dispatch news = dispatch(one);
    Dispatch digest = news;
    digest.kind = Dispatch::Kind::digest;
    const std::string whole = payload_text(news, context());
    for (const std::string& text : {whole, payload_text(digest, context())}) {
        EXPECT_EQ(text.find("\n" + forged), std::string::npos) << text;
        EXPECT_EQ(text.find("\u2028"), std::string::npos) << text;
        EXPECT_EQ(text.find("\u2029"), std::string::npos) << text;
    }
    EXPECT_NE(whole.find("First failure: java.io.IOException: no\n    " + forged), std::string::npos) << whole;
    EXPECT_NE(whole.find("\nRight?: medic incidents --config"), std::string::npos) << whole;
}

TEST(Message, HoldsNoOrderToATerminal) {
    const std::string hostile = "x\x1b[2J\x1b]0;owned\a\x7f\u009b31m\x9b";
    Incident one = explained();
    one.first_failure = one.diagnosis.summary = one.diagnosis.owner = one.diagnosis.subject.name = hostile;
    one.diagnosis.evidence[0].text = one.plan->summary = hostile;
    one.first_failure += " pass\x1bword=hunter2";
    Dispatch notice = dispatch(one);
    notice.kind = Dispatch::Kind::notice;
    notice.notice = hostile;
    for (const Dispatch& news : {dispatch(one), notice})
        for (const std::string& text : {payload_text(news, context()), payload_title(news, context())}) {
            EXPECT_EQ(text, plain_text(text));
            EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
        }
}

TEST(Message, AsksWithTheCommandThatAnswers) {
    const IncidentMessage asks = message_of(explained(IncidentState::waiting_approval), context());
    EXPECT_EQ(asks.approve_command, "medic actions --config '/etc/my medic/medic.yaml' approve I17/2 --reason 'why'");
    EXPECT_NE(asks.text.find("asks to do: replace tm-1"), std::string::npos);
    EXPECT_TRUE(message_of(explained(), context()).approve_command.empty());
}

TEST(Message, AnAbstentionSaysSoAndNamesNoSide) {
    Incident one = incident("I2", IncidentState::escalated);
    one.diagnosis.cause = "";
    one.diagnosis.side = Side::unknown;
    one.diagnosis.missing = {"the broker's page"};
    const IncidentMessage message = message_of(one, context());
    EXPECT_EQ(message.cause, "unknown");
    EXPECT_EQ(message.side, "unknown");
    EXPECT_NE(message.text.find("How sure: no cause stands out"), std::string::npos);
    EXPECT_NE(message.text.find("Not visible: the broker's page"), std::string::npos);
    EXPECT_NE(message.title.find("a person must act"), std::string::npos);
}

TEST(Message, LongTextsAreCutBetweenCharacters) {
    Incident one = incident("I3");
    one.diagnosis.summary = std::string(399, 'a') + "ééé";
    const std::string what = message_of(one, context()).what;
    EXPECT_EQ(what, std::string(399, 'a') + "…");
}

TEST(Payload, AWebhookGetsOneFlatDocument) {
    const Json body = Json::parse(payload_json(dispatch(explained()), context()));
    EXPECT_EQ(body["schema"], 1);
    EXPECT_EQ(body["kind"], "incident");
    EXPECT_EQ(body["event"], "opened");
    EXPECT_EQ(body["key"], "I17-1-x");
    EXPECT_EQ(body["side"], "system");
    EXPECT_EQ(body["owner"], "team-a");
    EXPECT_EQ(body["since"], "2025-11-28T03:20:00.000Z");
    EXPECT_TRUE(body["ended_at"].is_null());
    EXPECT_EQ(body["evidence"][0]["kind"], "trace");
    EXPECT_EQ(body["verdict"]["right_url"], "");  // No key, no link.
}

TEST(Payload, ADigestNamesEachAndSaysHowManyMore) {
    Dispatch storm = dispatch(explained());
    storm.kind = Dispatch::Kind::digest;
    for (int i = 0; i < 49; ++i) storm.news.push_back(storm.news[0]);
    storm.news[1].event = NewsEvent::resolved;
    const Json body = Json::parse(payload_json(storm, context()));
    EXPECT_EQ(body["kind"], "digest");
    EXPECT_EQ(body["incidents"].size(), 50u);
    EXPECT_EQ(body["title"], "[medic] 50 incidents: 49 opened, 1 resolved");
    EXPECT_NE(body["text"].get<std::string>().find("and 20 more"), std::string::npos);
}

TEST(Payload, AnAlertIsFiringUntilItEndsByItself) {
    const AlertsPayload payload = payload_alerts(dispatch(explained()), context());
    const Json list = Json::parse(payload.body);
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0]["labels"]["alertname"], "StreammedicIncident");
    EXPECT_EQ(list[0]["labels"]["owner"], "team-a");
    EXPECT_EQ(list[0]["startsAt"], "2025-11-28T03:20:00.000Z");
    EXPECT_EQ(list[0]["endsAt"], "2025-11-28T03:27:05.000Z");
    EXPECT_EQ(list[0]["generatorURL"], "http://127.0.0.1:9469/api/v1/incidents/I17");
    EXPECT_EQ(Json::parse(payload.labels[0]), list[0]["labels"]);
    const Json ended =
        Json::parse(payload_alerts(dispatch(explained(IncidentState::resolved), NewsEvent::resolved), context()).body);
    EXPECT_EQ(ended[0]["endsAt"], "2025-11-28T03:21:00.000Z");
}

TEST(Payload, AnAlertWhoseLabelsChangeEndsUnderItsOldOnes) {
    Dispatch news = dispatch(explained(), NewsEvent::updated);
    news.news[0].labels_before = R"({"alertname":"StreammedicIncident","incident":"I17","owner":"flink platform"})";
    const Json list = Json::parse(payload_alerts(news, context()).body);
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["labels"]["owner"], "flink platform");
    EXPECT_EQ(list[0]["endsAt"], "2025-11-28T03:22:05.000Z");
    EXPECT_EQ(list[1]["labels"]["owner"], "team-a");
    news.news[0].event = NewsEvent::handed_over;
    EXPECT_EQ(Json::parse(payload_alerts(news, context()).body).size(), 1u);
}

TEST(ShellWord, CanBeCopied) {
    EXPECT_EQ(shell_word("/etc/streammedic/medic.yaml"), "/etc/streammedic/medic.yaml");
    EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
    EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace medic
