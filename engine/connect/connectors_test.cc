// Connectors without a runner and without a broker.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/test_support_internal.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<SourceRecord> poll_at_least(SourceTask& task, std::size_t count) {
    std::vector<SourceRecord> all;
    while (all.size() < count)
        for (auto& record : task.poll(milliseconds(10'000))) all.push_back(std::move(record));
    return all;
}

TEST(Plugins, ComplainInConnectsWords) {
    EXPECT_THAT(validate({}), ElementsAre(HasSubstr("Failed to find any class that implements Connector")));
    EXPECT_THAT(validate({{"connector.class", "FileStreamSink"}, {"tasks.max", "x"}}),
                ElementsAre("Invalid value x for configuration tasks.max: Not a number of type INT",
                            "Missing required configuration \"file\" which has no default value.",
                            "Must configure one of topics or topics.regex"));
    EXPECT_THAT(validate({{"connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"},
                          {"file", "/x"},
                          {"topics", "a"}}),
                IsEmpty());
    const Plugin* source = find_plugin("FileStreamSource");
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(task_count(*source, {{"tasks.max", "4"}}), 1);
}

TEST(Plugins, ADeadLetterQueueIsNoneOfTheTopicsThatAreRead) {
    EXPECT_THAT(validate({{"connector.class", "FileStreamSink"},
                          {"file", "/x"},
                          {"topics", "a,b"},
                          {"errors.deadletterqueue.topic.name", "b"}}),
                ElementsAre(HasSubstr("The DLQ topic 'b' may not be included in the list of topics")));
}

TEST(GeneratorSource, MakesTheSameRecordsAgainAndResumesAfterItsOffset) {
    const Config config = {{"topic", "events"},
                           {"rate", "100000"},
                           {"records.max", "300"},
                           {"key.field", "server"},
                           {"fields", "n=seq,server=pick:a|b|c,load=int:5:9,pad=text:3"}};
    const auto make = find_plugin("GeneratorSource")->make_source;
    const auto first = make();
    first->start(config, std::nullopt);
    const auto all = poll_at_least(*first, 300);
    ASSERT_EQ(all.size(), 300u);
    EXPECT_THAT(first->poll(milliseconds(0)), IsEmpty());
    EXPECT_EQ(first->offset().offset_json, R"({"seq":300})");
    EXPECT_THAT(all[7].value, testing::MatchesRegex(R"(\{"load":[5-9],"n":7,"pad":"[a-z]{3}","server":"[abc]"\})"));
    EXPECT_THAT(all[7].value, HasSubstr("\"" + *all[7].key + "\""));

    const auto second = make();
    second->start(config, SourceOffset{"{}", R"({"seq":298})"});
    const auto rest = poll_at_least(*second, 2);
    ASSERT_EQ(rest.size(), 2u);
    EXPECT_EQ(rest[0].value, all[298].value);
}

TEST(GeneratorSource, RefusesFieldsItDoesNotKnow) {
    for (const char* fields : {"x", "x=what", "x=int:5", "x=int:9:5", "x=text:-1", "x=pick:"}) {
        const auto task = find_plugin("GeneratorSource")->make_source();
        EXPECT_THROW(task->start({{"topic", "t"}, {"fields", fields}}, std::nullopt), NamedException) << fields;
    }
}

TEST(FileSource, ReadsWholeLinesWaitsForMoreAndResumes) {
    const TemporaryFolder folder;
    const std::string path = folder / "in.txt";
    const Config config = {{"topic", "lines"}, {"file", path}};
    const auto task = find_plugin("FileStreamSource")->make_source();
    task->start(config, std::nullopt);
    EXPECT_THAT(task->poll(milliseconds(0)), IsEmpty());  // Not there yet.
    std::ofstream(path) << "one\r\ntwo\nthr";
    const auto two = poll_at_least(*task, 2);
    EXPECT_EQ(two[0].value, "one");
    EXPECT_EQ(two[1].value, "two");
    EXPECT_EQ(task->offset().offset_json, R"({"position":9})");
    std::ofstream(path, std::ios::app) << "ee\n";
    const auto resumed = find_plugin("FileStreamSource")->make_source();
    resumed->start(config, task->offset());
    EXPECT_EQ(poll_at_least(*resumed, 1)[0].value, "three");
}

TEST(FileSink, AppendsLinesAndTellsWhatItCannotOpen) {
    const TemporaryFolder folder;
    const auto task = find_plugin("FileStreamSink")->make_sink();
    task->start({{"file", folder / "out.txt"}});
    task->put(std::vector<SinkRecord>{sink_record(0, "a"), sink_record(1, "b")});
    std::ifstream in(folder / "out.txt");
    EXPECT_EQ(std::string(std::istreambuf_iterator(in), {}), "a\nb\n");
    const auto broken = find_plugin("FileStreamSink")->make_sink();
    EXPECT_THROW(broken->start({{"file", folder / "no/such/folder"}}), NamedException);
}

}  // namespace
}  // namespace medic::engine::connect
