#include <gtest/gtest.h>

#include <map>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const Subject job = Scene::lab("job", "orders");
constexpr const char* vertex = "Source: orders -> parse";

// As Flink's REST API gave it for a function that spins, on 1.20.1.
const std::string in_the_function =
    "\"Source: orders -> parse (2/4)#0\" Id=71 RUNNABLE\n"
    "\tat java.base@17.0.13/java.lang.Thread.onSpinWait(Thread.java:351)\n"
    "\tat org.example.orders.ParseOrder.flatMap(ParseOrder.java:55)\n"
    "\tat org.example.orders.ParseOrder.flatMap(ParseOrder.java:13)\n"
    "\tat org.apache.flink.streaming.api.operators.StreamFlatMap.processElement(StreamFlatMap.java:47)\n";
const std::string in_a_client =
    "\"order-totals: Writer (2/4)#0\" Id=71 TIMED_WAITING\n"
    "\tat java.base@17.0.13/java.lang.Object.wait(Native Method)\n"
    "\tat org.apache.kafka.clients.producer.KafkaProducer.send(KafkaProducer.java:1)\n"
    "\tat org.example.orders.Sink.invoke(Sink.java:9)\n";

struct Hanging {
    double cores = 1;
    int moves_until = 60;  // The second of its last record.
    std::string state = "RUNNABLE", thread = in_the_function, job_id = "j1";
};

// Subtask 1 stands since second 60; its thread is asked for every fifteen seconds from 75 on.
Scene scene(const Hanging& how) {
    Scene scene;
    const std::vector<LabelPair> subtask{
        {"job", "orders"}, {"vertex", vertex}, {"subtask", "1"}, {"taskmanager", "tm-1:1-a"}};
    scene.constant("flink_job_state", {{"job", "orders"}, {"state", "RUNNING"}}, 1)
        .attribute(job, "id", "j1")
        .attribute(Scene::lab("taskmanager", "tm-1:1-a"), "node", "tm-1")
        .constant("flink_subtask_records_in_total", subtask, 0)
        .counter("flink_subtask_records_out_total", subtask, 90, how.moves_until)
        .counter("process_cpu_seconds_total", {{"node", "tm-1"}, {"role", "taskmanager"}}, how.cores);
    for (int second = 75; second <= 300; second += 15)
        scene.event(second, job, "thread-dump", how.thread,
                    {{"job_id", how.job_id},
                     {"vertex", vertex},
                     {"subtask", "1"},
                     {"taskmanager", "tm-1:1-a"},
                     {"state", how.state}});
    return scene;
}

TEST(FunctionHangs, ALoopIsToldAfterTwoDumpsWithItsPlace) {
    EXPECT_TRUE(scene({}).findings("function-hangs", 80).empty()) << "one look is no proof";
    const auto found = scene({}).findings("function-hangs", 92);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, job);
    EXPECT_EQ(found[0].fields.at("frame"), "org.example.orders.ParseOrder.flatMap");
    EXPECT_EQ(found[0].fields.at("location"), "ParseOrder.java:55");
    EXPECT_EQ(found[0].fields.at("how"), "spins");
    EXPECT_EQ(found[0].since, Scene::at(75));
    ASSERT_EQ(found[0].evidence.size(), 1U);
}

TEST(FunctionHangs, ACallOfAMinuteIsNone) {
    Hanging call{.cores = 0.05, .state = "TIMED_WAITING"};
    EXPECT_TRUE(scene(call).findings("function-hangs", 135).empty());
    EXPECT_EQ(scene(call).findings("function-hangs", 170).size(), 1U) << "nobody waits for so long";
    EXPECT_EQ(scene(call).findings("function-hangs", 170)[0].fields.at("how"), "waits");
}

TEST(FunctionHangs, RunnableWithoutUsingTheProcessorIsAWait) {
    EXPECT_TRUE(scene({.cores = 0.05}).findings("function-hangs", 135).empty())
        << "Java calls a socket's read RUNNABLE";
}

TEST(FunctionHangs, ASlowFunctionThatMovesRecordsIsNone) {
    EXPECT_TRUE(scene({.moves_until = 1'000}).findings("function-hangs", 140).empty());
}

TEST(FunctionHangs, AThreadInSomebodyElsesCodeIsAnotherStory) {
    EXPECT_TRUE(scene({.thread = in_a_client}).findings("function-hangs", 200).empty());
}

TEST(FunctionHangs, NothingWithoutDumpsOrOfAnotherRunOfTheJob) {
    EXPECT_TRUE(scene({.thread = ""}).findings("function-hangs", 200).empty());
    EXPECT_TRUE(scene({.job_id = "j0"}).findings("function-hangs", 200).empty());
    EXPECT_TRUE(scene({}).findings("function-hangs", 400).empty()) << "the last dump is old";
}

}  // namespace
}  // namespace medic::analyzers
