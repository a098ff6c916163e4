#include "agent/api/api.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"

namespace medic {
namespace {

constexpr const char* token = "0123456789abcdef-ana";

struct Backend : ApiBackend {
    std::vector<Incident> all;
    std::vector<OperatorCommand> commands;
    std::vector<Alert> alerts;
    std::vector<ChangeNotice> told;
    Status next;
    std::string said;
    std::vector<Incident> incidents() const override { return all; }
    std::vector<Cordon> cordons() const override { return {{"lab", "tm-3", "its disk", "ana", {1000}}}; }
    Result<Incident> incident(const std::string& id) const override {
        for (const auto& one : all)
            if (one.id == id) return one;
        return fail(ErrorCode::invalid, "no incident {}", id);
    }
    Status command(OperatorCommand command) override {
        if (next) commands.push_back(std::move(command));
        return next;
    }
    Status accept(std::vector<Alert> more) override {
        if (next) alerts.insert(alerts.end(), more.begin(), more.end());
        return next;
    }
    Status change(ChangeNotice one) override {
        told.push_back(std::move(one));
        return next;
    }
    Result<std::string> diagnosis() const override {
        if (said.empty()) return fail(ErrorCode::not_ready, "not every target has been looked at yet");
        return said;
    }
    Result<std::string> observations(Duration last) const override {
        return "{\"seconds\":" + std::to_string(last.count() / 1000) + "}";
    }
    Result<std::string> practice(const std::string& cluster) const override { return "{\"of\":\"" + cluster + "\"}"; }
    std::string metrics() const override { return "medic_last_tick_timestamp_seconds 1\n"; }
    std::vector<std::string> watched{"lab"};
    std::vector<std::string> clusters() const override { return watched; }
    WallTime now() const override { return {1000}; }
    std::string not_healthy() const override { return ""; }
    std::string not_ready() const override { return "no look has finished yet"; }
};

struct Fixture : testing::Test {
    std::string path;
    Backend backend;
    std::unique_ptr<Api> api;
    Fixture() {
        path = (std::filesystem::temp_directory_path() / "tokens-XXXXXX").string();
        close(mkstemp(path.data()));
        write(std::string("# people\nana ") + token + "\n");
        api = std::make_unique<Api>(backend, TokenFile::open(path).value());
    }
    ~Fixture() override { std::filesystem::remove(path); }
    void write(const std::string& text) const { std::ofstream(path) << text; }
    HttpResponse send(const std::string& method, const std::string& path_of, const std::string& body = "",
                      const std::string& with = token) const {
        HttpRequest request{.method = method,
                            .target = path_of,
                            .path = path_of,
                            .segments = {},
                            .query = {},
                            .headers = {},
                            .body = body,
                            .peer = ""};
        for (std::size_t from = 1; from < path_of.size();) {
            const auto end = std::min(path_of.find('/', from), path_of.size());
            request.segments.push_back(path_of.substr(from, end - from));
            from = end + 1;
        }
        if (!with.empty()) request.headers.emplace_back("authorization", "Bearer " + with);
        return api->handle(request);
    }
};

std::string webhook(const std::string& status, const std::string& fingerprint = "abc") {
    return R"({"version":"4","status":")" + status + R"(","alerts":[{"status":")" + status +
           R"(","labels":{"alertname":"LagGrows","cluster":"lab","group":"g"},
        "annotations":{},"startsAt":"2026-11-22T10:00:00.5+01:00","endsAt":"0001-01-01T00:00:00Z","fingerprint":")" +
           fingerprint + R"("}]})";
}

TEST_F(Fixture, what_a_drill_must_know_is_told_only_with_a_token) {
    EXPECT_EQ(send("GET", "/api/v1/practice", "", "").status, 401);
    EXPECT_EQ(send("GET", "/api/v1/practice", "", "0123456789abcdef-bob").status, 401);
    const HttpResponse told = send("GET", "/api/v1/practice");
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.body, "{\"of\":\"lab\"}");
}

TEST_F(Fixture, WithoutATokenNothingCanBeChanged) {
    for (const std::string target : {"/api/v1/webhook/alertmanager", "/api/v1/pause", "/api/v1/actions/I1/1/approve",
                                     "/api/v1/changes", "/nowhere"}) {
        EXPECT_EQ(send("POST", target, "{}", "").status, 401) << target;
        EXPECT_EQ(send("POST", target, "{}", "0123456789abcdef-anb").status, 401) << target;
        EXPECT_EQ(send("POST", target, "{}", "0123456789abcdef").status, 401) << target;
    }
    EXPECT_EQ(send("DELETE", "/api/v1/incidents").status, 405);
    EXPECT_TRUE(backend.commands.empty() && backend.alerts.empty() && backend.told.empty());
}

TEST_F(Fixture, AnAlertIsKeptWithItsSubjectAndWhoSentIt) {
    const auto answer = send("POST", "/api/v1/webhook/alertmanager", webhook("firing"));
    EXPECT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(backend.alerts.size(), 1u);
    EXPECT_EQ(backend.alerts[0].subject, (Subject{"lab", "group", "g"}));
    EXPECT_EQ(backend.alerts[0].received_from, "ana");
    EXPECT_EQ(backend.alerts[0].starts_at.unix_ms, 1795338000500);
    EXPECT_TRUE(backend.alerts[0].firing);
}

TEST_F(Fixture, WhatTheAgentItselfToldAnAlertmanagerDoesNotComeBack) {
    std::string own = webhook("firing");
    own.replace(own.find("LagGrows"), 8, "StreammedicIncident");
    const auto answer = send("POST", "/api/v1/webhook/alertmanager", own);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(backend.alerts.empty());
}

TEST_F(Fixture, OverloadIs503NeverASilentLoss) {
    backend.next = fail(ErrorCode::unavailable, "the journal is behind");
    const auto answer = send("POST", "/api/v1/webhook/alertmanager", webhook("firing"));
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(backend.alerts.empty());
}

TEST_F(Fixture, BrokenAlertsAreRefusedWithWhatWasExpected) {
    for (const std::string body :
         {"", "[]", "{}", R"({"version":"3","alerts":[]})", R"({"alerts":[{}]})", R"({"alerts":[7]})",
          R"({"alerts":[{"fingerprint":"a","status":"firing","startsAt":"yesterday"}]})",
          R"({"alerts":[{"fingerprint":"a","status":"on","startsAt":"2026-11-22T10:00:00Z"}]})"}) {
        const auto answer = send("POST", "/api/v1/webhook/alertmanager", body);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_NE(answer.body.find("expected"), std::string::npos) << answer.body << body;
    }
}

TEST(Alerts, TheMostSpecificKnownLabelNamesTheSubject) {
    const std::vector<std::string> one = {"lab"}, two = {"lab", "prod"};
    EXPECT_EQ(subject_of_labels({{"connector", "c"}, {"task", "0"}, {"topic", "t"}}, {}, one),
              (Subject{"lab", "connector-task", "c/0"}));
    EXPECT_EQ(subject_of_labels({{"broker", "2"}, {"log_dir", "/d"}}, {}, one), (Subject{"lab", "log-dir", "2:/d"}));
    EXPECT_EQ(subject_of_labels({{"job", "kafka-exporter"}, {"topic", "t"}}, {}, one), (Subject{"lab", "topic", "t"}));
    EXPECT_EQ(subject_of_labels({{"job_name", "j"}}, {{"medic_subject", "vertex/j/v"}}, one),
              (Subject{"lab", "vertex", "j/v"}));
    EXPECT_EQ(subject_of_labels({{"cluster", "prod"}, {"topic", "t"}}, {}, two).cluster, "prod");
    EXPECT_TRUE(subject_of_labels({{"topic", "t"}}, {}, two).kind.empty());
    EXPECT_TRUE(subject_of_labels({{"severity", "page"}}, {}, one).kind.empty());
}

TEST_F(Fixture, PeopleApprovePauseAndJudge) {
    EXPECT_EQ(send("POST", "/api/v1/actions/I1/2/approve", R"({"reason":"ok"})").status, 200);
    EXPECT_EQ(send("POST", "/api/v1/actions/I1/2/reject").status, 200);
    EXPECT_EQ(send("POST", "/api/v1/pause", R"({"cluster":"lab","reason":"test"})").status, 200);
    EXPECT_EQ(send("POST", "/api/v1/incidents/I1/verdict", R"({"verdict":"wrong"})").status, 200);
    ASSERT_EQ(backend.commands.size(), 4u);
    EXPECT_EQ(backend.commands[0].kind, OperatorCommand::Kind::approve);
    EXPECT_EQ(backend.commands[0].target, "I1/2");
    EXPECT_EQ(backend.commands[0].by, "ana");
    EXPECT_EQ(backend.commands[1].kind, OperatorCommand::Kind::reject);
    EXPECT_EQ(backend.commands[2].target, "lab");
    EXPECT_EQ(backend.commands[3].kind, OperatorCommand::Kind::verdict_wrong);
    EXPECT_EQ(send("POST", "/api/v1/pause", "{}").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/pause", R"({"cluster":"nope","reason":"x"})").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/pause", "not json").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/incidents/I1/verdict", R"({"verdict":"maybe"})").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/actions/I1/2/dance").status, 404);
}

TEST_F(Fixture, APersonKeepsANodeOutOfUse) {
    EXPECT_EQ(send("POST", "/api/v1/cordon", R"({"node":"tm-3","reason":"its disk"})").status, 200);
    EXPECT_EQ(send("POST", "/api/v1/uncordon", R"({"cluster":"lab","node":"tm-3"})").status, 200);
    ASSERT_EQ(backend.commands.size(), 2u);
    EXPECT_EQ(backend.commands[0].kind, OperatorCommand::Kind::cordon);
    EXPECT_EQ(backend.commands[0].target, "lab");
    EXPECT_EQ(backend.commands[0].nodes, std::vector<std::string>{"tm-3"});
    EXPECT_EQ(backend.commands[0].by, "ana");
    EXPECT_EQ(backend.commands[1].kind, OperatorCommand::Kind::uncordon);
    for (const char* body : {R"({"node":"tm-3"})", R"({"reason":"x"})", R"({"nodes":["tm-3"],"reason":"x"})",
                             R"({"cluster":"nope","node":"tm-3","reason":"x"})", "not json"})
        EXPECT_EQ(send("POST", "/api/v1/cordon", body).status, 400) << body;
    EXPECT_EQ(backend.commands.size(), 2u);
    const HttpResponse listed = send("GET", "/api/v1/cordons");
    EXPECT_EQ(listed.status, 200);
    EXPECT_NE(listed.body.find(R"("node":"tm-3")"), std::string::npos) << listed.body;
}

TEST_F(Fixture, WhereSeveralClustersAreWatchedTheyAreNamed) {
    backend.watched = {"lab", "prod"};
    for (const auto& [path_of, body] : {std::pair{"/api/v1/roll", R"({"role":"broker","reason":"x"})"},
                                        {"/api/v1/cordon", R"({"node":"tm-3","reason":"x","cluster":""})"}}) {
        const HttpResponse refused = send("POST", path_of, body);
        EXPECT_EQ(refused.status, 400) << path_of;
        EXPECT_NE(refused.body.find("which cluster? --cluster lab | prod"), std::string::npos) << refused.body;
    }
    EXPECT_TRUE(backend.commands.empty());
}

TEST_F(Fixture, APersonAsksForARoll) {
    EXPECT_EQ(send("POST", "/api/v1/roll", R"({"role":"broker","nodes":["broker-2"],"reason":"patches"})").status, 200);
    ASSERT_EQ(backend.commands.size(), 1u);
    EXPECT_EQ(backend.commands[0].kind, OperatorCommand::Kind::roll);
    EXPECT_EQ(backend.commands[0].target, "lab") << "the only one there is";
    EXPECT_EQ(backend.commands[0].role, "broker");
    EXPECT_EQ(backend.commands[0].nodes, std::vector<std::string>{"broker-2"});
    EXPECT_EQ(backend.commands[0].by, "ana");
    EXPECT_EQ(send("POST", "/api/v1/roll", R"({"role":"broker"})").status, 400) << "why?";
    EXPECT_EQ(send("POST", "/api/v1/roll", R"({"cluster":"nope","role":"broker","reason":"x"})").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/roll", R"({"role":"broker","nodes":[7],"reason":"x"})").status, 400);
    for (const char* none : {"null", "[]", "\"broker-2\""})
        EXPECT_EQ(
            send("POST", "/api/v1/roll", std::string(R"({"role":"broker","reason":"x","nodes":)") + none + "}").status,
            400)
            << none;
    EXPECT_EQ(send("POST", "/api/v1/roll", "not json").status, 400);
    for (const char* mistaken : {R"("dryrun":true)", R"("dry_run":"yes")", R"("dry_run":1)"})
        EXPECT_EQ(
            send("POST", "/api/v1/roll", std::string(R"({"role":"broker","reason":"x",)") + mistaken + "}").status, 400)
            << mistaken;
    backend.next = fail(ErrorCode::invalid, "x is no broker");
    EXPECT_EQ(send("POST", "/api/v1/roll", R"({"role":"broker","nodes":["x"],"reason":"y"})").status, 400);
}

TEST_F(Fixture, APersonAsksForADeployment) {
    EXPECT_EQ(send("POST", "/api/v1/deploy",
                   R"({"job":"j","version":"v2","from":"v1","accept":["state"],"dry_run":true,"reason":"release"})")
                  .status,
              200);
    ASSERT_EQ(backend.commands.size(), 1u);
    EXPECT_EQ(backend.commands[0].kind, OperatorCommand::Kind::deploy);
    EXPECT_EQ(backend.commands[0].target, "lab") << "the only one there is";
    EXPECT_EQ(backend.commands[0].by, "ana");
    const DeploymentWish& wish = backend.commands[0].deployment;
    EXPECT_EQ(wish.job + " " + wish.version + " " + wish.from, "j v2 v1");
    EXPECT_EQ(wish.accept, std::set<std::string>{"state"});
    EXPECT_TRUE(wish.dry_run);
    for (const char* refused :
         {"not json", R"({"job":"j","version":"v2"})", R"({"cluster":"nope","job":"j","version":"v2","reason":"x"})",
          R"({"job":"j","version":"v2","reason":"x","dry_run":"true"})",
          R"({"job":"j","version":"v2","reason":"x","dryrun":true})",
          R"({"job":"j","version":"v2","reason":"x","accept":"state"})",
          R"({"job":"j","version":"v2","reason":"x","accept":[7]})"})
        EXPECT_EQ(send("POST", "/api/v1/deploy", refused).status, 400) << refused;
    EXPECT_EQ(backend.commands.size(), 1u);
}

TEST_F(Fixture, ABodyThatIsNestedEndlesslyIsRefused) {
    constexpr std::size_t levels = 200'000;
    const std::string nested = std::string(levels, '[') + std::string(levels, ']');
    for (const auto& [target, body] : {std::pair{"/api/v1/roll", R"({"role":"broker","reason":"x","dry_run":)"},
                                       {"/api/v1/roll", R"({"role":"broker","reason":"x","nodes":)"},
                                       {"/api/v1/deploy", R"({"job":"j","version":"v2","reason":"x","accept":)"},
                                       {"/api/v1/cordon", R"({"node":"tm-3","reason":)"},
                                       {"/api/v1/changes", R"({"subject":"job/j","version":"v2","more":)"},
                                       {"/api/v1/pause", R"({"reason":"x","more":)"},
                                       {"/api/v1/webhook/alertmanager", R"({"version":"4","alerts":[],"more":)"}}) {
        const HttpResponse answer = send("POST", target, body + nested + "}");
        EXPECT_EQ(answer.status, 400) << target << body;
        EXPECT_NE(answer.body.find("expected"), std::string::npos) << answer.body;
    }
    EXPECT_TRUE(backend.commands.empty() && backend.alerts.empty() && backend.told.empty());
}

TEST_F(Fixture, ADeploymentIsToldOf) {
    EXPECT_EQ(send("POST", "/api/v1/changes", R"({"subject":"job/j","version":"v2"})").status, 200);
    ASSERT_EQ(backend.told.size(), 1u);
    EXPECT_EQ(backend.told[0].subject, (Subject{"lab", "job", "j"}));
    EXPECT_EQ(backend.told[0].version, "v2");
    EXPECT_EQ(send("POST", "/api/v1/changes", R"({"subject":"j"})").status, 400);
    EXPECT_EQ(send("POST", "/api/v1/changes", R"({"subject":"job/j","kind":"party"})").status, 400);
}

TEST_F(Fixture, MaintenanceIsToldOfWithItsEnd) {
    EXPECT_EQ(send("POST", "/api/v1/changes", R"({"subject":"broker/2","kind":"maintenance","minutes":30})").status,
              200);
    ASSERT_EQ(backend.told.size(), 1u);
    EXPECT_EQ(backend.told[0].until - backend.told[0].at, Duration{30 * 60'000});
    for (const char* body : {R"({"subject":"broker/2","kind":"maintenance"})",
                             R"({"subject":"broker/2","kind":"maintenance","minutes":0})",
                             R"({"subject":"broker/2","kind":"maintenance","minutes":1441})",
                             R"({"subject":"broker/2","kind":"maintenance","minutes":"30"})"})
        EXPECT_EQ(send("POST", "/api/v1/changes", body).status, 400) << body;
}

TEST_F(Fixture, EverybodyMayRead) {
    Incident incident;
    incident.id = "I1";
    incident.cluster = "lab";
    incident.diagnosis.cause = "flink.taskmanager-lost";
    incident.opened_at = {1'000};
    incident.detected_at = {3'000};
    incident.diagnosis.summary = "bad \xff bytes";
    backend.all = {incident};
    const Json list = Json::parse(send("GET", "/api/v1/incidents", "", "").body);
    EXPECT_EQ(list["schema"], 1);
    EXPECT_EQ(list["incidents"][0]["detect_ms"], 2000);
    EXPECT_TRUE(list["incidents"][0]["recover_ms"].is_null());
    EXPECT_EQ(send("GET", "/api/v1/incidents/I1", "", "").status, 200);
    EXPECT_EQ(send("GET", "/api/v1/incidents/I2", "", "").status, 404);
    EXPECT_EQ(Json::parse(send("GET", "/api/v1/actions", "", "").body)["actions"].size(), 0u);
    EXPECT_EQ(send("GET", "/-/healthy", "", "").status, 200);
    EXPECT_EQ(send("GET", "/-/ready", "", "").status, 503);
    EXPECT_NE(send("GET", "/metrics", "", "").body.find("medic_last_tick_timestamp_seconds"), std::string::npos);
}

TEST_F(Fixture, ADiagnosisIsToldOrWhyNot) {
    const HttpResponse busy = send("GET", "/api/v1/diagnosis", "", "");
    EXPECT_EQ(busy.status, 503);
    EXPECT_NE(busy.body.find("not every target"), std::string::npos);
    backend.said = R"({"schema":1,"verdict":"healthy"})";
    const HttpResponse told = send("GET", "/api/v1/diagnosis", "", "");
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.body, backend.said);
}

TEST_F(Fixture, ObservationsAreForThoseWithAToken) {
    EXPECT_EQ(send("GET", "/api/v1/observations", "", "").status, 401);
    EXPECT_EQ(send("GET", "/api/v1/observations", "", "0123456789abcdef-anb").status, 401);
    EXPECT_EQ(send("GET", "/api/v1/observations").body, "{\"seconds\":1800}");
}

TEST_F(Fixture, AChangedTokenFileCountsAtOnce) {
    write("ben fedcba9876543210-ben\n");
    EXPECT_EQ(send("POST", "/api/v1/pause", R"({"reason":"x"})").status, 401);
    EXPECT_EQ(send("POST", "/api/v1/pause", R"({"reason":"x"})", "fedcba9876543210-ben").status, 200);
    EXPECT_EQ(backend.commands.back().by, "ben");
}

TEST_F(Fixture, ATokenFileThatComesBackCountsAgain) {
    const std::string elsewhere = path + ".elsewhere", body = R"({"reason":"x"})";
    std::filesystem::rename(path, elsewhere);
    EXPECT_EQ(send("POST", "/api/v1/pause", body).status, 401);
    std::filesystem::rename(elsewhere, path);
    EXPECT_EQ(send("POST", "/api/v1/pause", body).status, 200);
}

TEST_F(Fixture, ATokenFileThatEverybodyMayReadMeanwhileGivesNoRights) {
    const std::string body = R"({"reason":"x"})";
    EXPECT_EQ(send("POST", "/api/v1/pause", body).status, 200);
    chmod(path.c_str(), 0644);
    EXPECT_EQ(send("POST", "/api/v1/pause", body).status, 401);
    chmod(path.c_str(), 0600);
    EXPECT_EQ(send("POST", "/api/v1/pause", body).status, 200);
}

TEST_F(Fixture, ATokenFileThatEverybodyReadsOrThatIsBrokenIsRefused) {
    chmod(path.c_str(), 0644);
    EXPECT_NE(TokenFile::open(path).error().message.find("chmod 600"), std::string::npos);
    chmod(path.c_str(), 0600);
    write("ana short\n");
    EXPECT_NE(TokenFile::open(path).error().message.find(":1:5:"), std::string::npos);
    write("ana\n");
    EXPECT_NE(TokenFile::open(path).error().message.find("NAME TOKEN"), std::string::npos);
}

struct LinkFixture : Fixture {
    VerdictLinks links{"key"};
    VerdictClaim claim{.incident = "I1", .right = false, .given_to = "chat & mail", .until = {2'000}};
    LinkFixture() {
        Incident one;
        one.id = "I1";
        backend.all = {one};
        api = std::make_unique<Api>(backend, TokenFile::open(path).value(), links);
    }
    HttpResponse follow(const std::string& method, const std::string& link, const std::string& body = "") const {
        HttpRequest request{.method = method,
                            .target = link,
                            .path = "",
                            .segments = {},
                            .query = {},
                            .headers = {},
                            .body = body,
                            .peer = ""};
        const auto mark = link.find('?');
        request.path = link.substr(0, mark);
        std::istringstream segments(request.path.substr(1)), pairs(link.substr(mark + 1));
        for (std::string part; std::getline(segments, part, '/');)
            request.segments.push_back(*url_decode(part, UrlPart::path));
        for (std::string part; std::getline(pairs, part, '&');)
            request.query.emplace_back(part.substr(0, part.find('=')),
                                       *url_decode(part.substr(part.find('=') + 1), UrlPart::query));
        return api->handle(request);
    }
};

TEST_F(LinkFixture, ALinkAsksFirstAndOnlyItsButtonNotesTheVerdict) {
    const auto page = follow("GET", links.path(claim));
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("<form method=\"post\">"), std::string::npos);
    EXPECT_EQ(page.body.find("<script"), std::string::npos);
    EXPECT_EQ(follow("HEAD", links.path(claim)).status, 200);
    EXPECT_TRUE(backend.commands.empty());
    EXPECT_EQ(follow("POST", links.path(claim), "reason=the+network%3F").status, 200);
    ASSERT_EQ(backend.commands.size(), 1u);
    EXPECT_EQ(backend.commands[0].kind, OperatorCommand::Kind::verdict_wrong);
    EXPECT_EQ(backend.commands[0].target, "I1");
    EXPECT_EQ(backend.commands[0].reason, "the network?");
    EXPECT_EQ(backend.commands[0].by, "link given to chat & mail");
}

TEST_F(LinkFixture, AForgedChangedOldOrForeignLinkNotesNothing) {
    const std::string good = links.path(claim);
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string link = good;
        return link.replace(link.find(from), from.size(), to);
    };
    for (const std::string& link :
         {changed("wrong", "right"), changed("I1", "I2"), changed("until=2", "until=9"), changed("chat", "mail"),
          changed("sig=", "sig=0"), changed("&sig=", "&nosig="), changed("/wrong", ""),
          VerdictLinks("other").path(claim), std::string("/verdict/?")})
        for (const char* method : {"GET", "POST"}) EXPECT_EQ(follow(method, link).status, 403) << link;
    VerdictClaim old = claim;
    old.until = {500};
    EXPECT_NE(follow("POST", links.path(old)).body.find("too old"), std::string::npos);
    VerdictClaim unknown = claim;
    unknown.incident = "I9\"><b>";
    EXPECT_EQ(follow("POST", links.path(unknown)).status, 404);
    EXPECT_EQ(follow("PUT", good).status, 405);
    EXPECT_EQ(Api(backend, TokenFile())
                  .handle({.method = "POST",
                           .target = good,
                           .path = "/verdict/I1/wrong",
                           .segments = {"verdict", "I1", "wrong"},
                           .query = {},
                           .headers = {},
                           .body = "",
                           .peer = ""})
                  .status,
              403);
    EXPECT_TRUE(backend.commands.empty());
}

TEST(VerdictKey, IsMadeOnceForItsOwnerOnly) {
    std::string folder = (std::filesystem::temp_directory_path() / "links-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    const std::string path = folder + "/link.key";
    const VerdictClaim claim{.incident = "I1", .right = true, .given_to = "chat", .until = {1}};
    const std::string first = VerdictLinks::open(path).value().path(claim);
    EXPECT_EQ(VerdictLinks::open(path).value().path(claim), first);
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    std::ofstream(path) << "short\n";
    EXPECT_NE(VerdictLinks::open(path).error().message.find("remove it"), std::string::npos);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace medic
