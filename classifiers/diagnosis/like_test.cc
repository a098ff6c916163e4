// Causes that are told of several subjects by the same clues: a connector's wrong password and a job's.
#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/diagnoser.h"

namespace medic {
namespace {

using analyzers::Scene;

constexpr int fault = 60;
const Subject job = Scene::lab("job", "totals");

std::vector<const Cause*> twins(const Catalogue& catalogue) {
    std::vector<const Cause*> found;
    for (const Cause& cause : catalogue.causes())
        if (!cause.like.empty()) found.push_back(&cause);
    return found;
}

// A running agent hears of the text as an exception of the job: it names the job, not a connector that is not there.
TEST(Like, AJobIsToldAsAJob) {
    const Catalogue catalogue = Catalogue::load_embedded().value();
    ASSERT_GE(twins(catalogue).size(), 8U);
    for (const Cause* cause : twins(catalogue)) {
        ASSERT_FALSE(cause->cases.empty()) << cause->id;
        Scene scene;
        scene
            .series("flink_job_state", {{"job", "totals"}, {"state", "RESTARTING"}},
                    [](int s) { return s >= fault ? std::optional{1.0} : std::nullopt; })
            .event(fault, job, "exception", cause->cases.front().text);
        Diagnoser diagnoser{Catalogue::load_embedded().value()};
        const auto all = scene.after(fault + 5, [&](View view, const Now& now) {
            const auto findings = analyzers::analyze(view, now);
            view.findings = findings;
            return diagnoser.diagnose(view, now);
        });
        ASSERT_EQ(all.size(), 1U) << cause->id;
        EXPECT_EQ(all[0].cause, cause->id);
        EXPECT_EQ(all[0].subject, job) << cause->id;
        EXPECT_EQ(all[0].side, Side::user) << cause->id;
    }
}

// Of a text alone, too, one of both is told: else a group with two causes would weigh twice.
TEST(Like, ATextIsToldByTheComponentThatItComesFrom) {
    const Catalogue catalogue = Catalogue::load_embedded().value();
    const Classifier classifier{Catalogue::load_embedded().value()};
    for (const Cause* cause : twins(catalogue)) {
        const auto told = classifier.classify_text(cause->cases.front().text, Component::flink);
        EXPECT_EQ(told.cause, cause->id);
        for (const auto& other : told.alternatives) EXPECT_NE(other.cause, cause->like) << cause->id;
        const Cause* model = catalogue.find(cause->like);
        ASSERT_NE(model, nullptr);
        if (!model->cases.empty() && model->cases.front().component == Component::connect) {
            EXPECT_EQ(classifier.classify_text(model->cases.front().text, Component::connect).cause, model->id);
        }
    }
}

Result<Catalogue> load(const std::string& causes) {
    const std::vector<RuleText> files{{"rules/signatures/s.yaml", "- {id: bad, where: message, re2: 'bad'}\n"},
                                      {"rules/causes/c.yaml", causes}};
    return Catalogue::load(files);
}

const std::string model = "- {id: a.bad, group: g, side: user, owner: o, explain: e, for: [{signature: bad}]}\n";

TEST(Like, GroupSideAndCluesComeFromTheOther) {
    const auto read = load("- {id: b.bad, like: a.bad, owner: p, explain: f, subject: job}\n" + model);
    ASSERT_TRUE(read) << read.error().message;
    const Cause* twin = read->find("b.bad");
    ASSERT_NE(twin, nullptr);
    EXPECT_EQ(twin->group, "g");
    EXPECT_EQ(twin->side, Side::user);
    EXPECT_EQ(twin->owner, "p");
    ASSERT_EQ(twin->clues.size(), 1U);
    EXPECT_EQ(twin->clues[0].id, "bad");
}

TEST(Like, WhatIsLikeNothingOrLikeATwinIsRefused) {
    const auto nothing = load("- {id: b.bad, like: a.worse, owner: p, explain: f}\n" + model);
    ASSERT_FALSE(nothing);
    EXPECT_NE(nothing.error().message.find("a.worse, which does not exist"), std::string::npos);
    const auto twin = load(model +
                           "- {id: b.bad, like: a.bad, owner: p, explain: f}\n"
                           "- {id: c.bad, like: b.bad, owner: p, explain: f}\n");
    ASSERT_FALSE(twin);
    EXPECT_NE(twin.error().message.find("b.bad, which is itself like another"), std::string::npos);
}

}  // namespace
}  // namespace medic
