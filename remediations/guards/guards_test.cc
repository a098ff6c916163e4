// All guards together: what they make of a history, of silences, and of a recorded question. Their cases are in
// refused_test.cc and allowed_test.cc.
#include "remediations/guards/guard_test_internal.h"
#include "remediations/guards/reach.h"

namespace medic {
namespace {

using namespace guard_test;

// They see one unreadable history, so all must object.
TEST(Guards, an_unreadable_history_is_refused_by_every_guard_that_counts) {
    GuardQuestion question = fine();
    question.history_complete = false;
    EXPECT_EQ(objectors(question),
              (std::vector<std::string>{"blast-radius", "budget", "cooldown", "one-in-flight", "storm"}));
}

TEST(Guards, what_takes_a_node_away_is_known_from_the_journal_too) {
    const auto tells = [](OperationBody body) {
        const bool takes = taken_node(body) != nullptr;
        EXPECT_EQ(tells_of_taken_node(describe(Operation{.key = {}, .cluster = "lab", .body = std::move(body)})),
                  takes);
        return takes;
    };
    EXPECT_TRUE(tells(KillNode{"tm-1"}));
    EXPECT_TRUE(tells(StopNode{"tm-1"}));
    EXPECT_FALSE(tells(StartNode{"kill-node"}));
    EXPECT_FALSE(tells(KillConnectorTask{"connect-1", "orders", 0}));
    EXPECT_FALSE(tells_of_taken_node(""));
    const Operation kill{.key = {}, .cluster = "lab", .body = KillNode{"tm-1"}};
    EXPECT_TRUE(tells_of_taken_node(described(kill, {})));
    EXPECT_FALSE(tells_of_taken_node(described(kill, {.serves_nobody = true})));
    const auto asks = [](OperationBody body) {
        return tells_of_question(describe(Operation{.key = {}, .cluster = "lab", .body = std::move(body)}));
    };
    EXPECT_TRUE(asks(VerifyDeployment{.job = "fleet", .version = "v2", .job_id = "j1", .accept = {}}));
    EXPECT_FALSE(asks(StartNode{"verify-deployment"}));
    EXPECT_FALSE(tells_of_question(""));
}

TEST(Guards, a_silence_tells_who_until_when_and_why_and_an_unread_alertmanager_its_problem) {
    GuardQuestion question = fine();
    question.silences_configured = true;
    question.silences_problem = "HTTP status 503";
    auto judgement = Guards(guards::all_guards()).judge(question);
    ASSERT_FALSE(judgement);
    EXPECT_NE(judgement.error()[0].why.find("HTTP status 503"), std::string::npos);
    question.silences_read_at = now;
    question.silenced = {{"silenced by ana until 2026-11-28 14:00 UTC: new disks", now + Duration{60'000}}};
    judgement = Guards(guards::all_guards()).judge(question);
    ASSERT_FALSE(judgement);
    EXPECT_EQ(judgement.error()[0].why, "silenced by ana until 2026-11-28 14:00 UTC: new disks");
    EXPECT_EQ(judgement.error()[0].until, (now + Duration{60'000}));
    EXPECT_EQ(encode_question(decode_question(encode_question(question)).value()), encode_question(question));
}

TEST(Guards, a_recorded_question_gets_the_same_answer) {
    GuardQuestion question = fine();
    question.history = {past("I1", Duration{60'000})};
    question.policy.floor = Duration{5};
    question.step.operation = ChangeConnectorConfiguration{
        .connector = "orders", .set = {{"topics", "a"}, {"old", std::nullopt}}, .from = "1", .to = "2"};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    const Guards all(guards::all_guards());
    EXPECT_EQ(verdict_text(all.judge(*read)), verdict_text(all.judge(question)));
    EXPECT_EQ(encode_question(*read), encode_question(question));
    EXPECT_FALSE(decode_question("{}"));
    EXPECT_FALSE(decode_question("not json"));
}

TEST(Guards, a_recorded_quota_is_the_same_quota) {
    GuardQuestion question = fine();
    question.step.operation = AlterClientQuota{
        .user = "", .client_id = "replay", .set = {{"producer_byte_rate", 1e6}, {"consumer_byte_rate", std::nullopt}}};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    const auto& quota = std::get<AlterClientQuota>(read->step.operation);
    EXPECT_EQ(quota.client_id, "replay");
    EXPECT_EQ(quota.set, std::get<AlterClientQuota>(question.step.operation).set);
}

TEST(Guards, a_recorded_transaction_is_the_same_transaction) {
    GuardQuestion question = fine();
    question.step.operation = AbortTransaction{.topic = "orders",
                                               .partition = 3,
                                               .producer_id = 4'000'000'000'123,
                                               .producer_epoch = 7,
                                               .coordinator_epoch = -1,
                                               .start_offset = 9'000'000'000'000};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    const auto& one = std::get<AbortTransaction>(read->step.operation);
    EXPECT_EQ(one.topic, "orders");
    EXPECT_EQ(one.partition, 3);
    EXPECT_EQ(one.producer_id, 4'000'000'000'123);
    EXPECT_EQ(one.producer_epoch, 7);
    EXPECT_EQ(one.coordinator_epoch, -1);
    EXPECT_EQ(one.start_offset, 9'000'000'000'000);
}

TEST(Guards, a_recorded_unclean_election_is_the_same_election) {
    GuardQuestion question = fine();
    question.step.operation = ElectUncleanLeader{.topic = "orders", .partition = 3, .expected = 2};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    const auto& one = std::get<ElectUncleanLeader>(read->step.operation);
    EXPECT_EQ(one.topic, "orders");
    EXPECT_EQ(one.partition, 3);
    EXPECT_EQ(one.expected, 2);
}

TEST(Guards, a_record_holds_any_text_and_any_figure) {
    GuardQuestion question = fine();
    question.incident = "quoted \" and \\, a line\n, \x01, größer — 1";
    question.others_acting = {"", "not UTF-8: \xff"};
    question.facts = {{{"lab", "job", "fleet"}, "lag", -0.1, {}, now},
                      {{"lab", "job", "fleet"}, "rate", 1e300, {}, now}};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->incident, question.incident);
    EXPECT_EQ(read->others_acting, (std::vector<std::string>{"", "not UTF-8: \uFFFD"}));
    ASSERT_EQ(read->facts.size(), 2U);
    EXPECT_EQ(read->facts[0].value, -0.1);
    EXPECT_EQ(read->facts[1].value, 1e300);
}

}  // namespace
}  // namespace medic
