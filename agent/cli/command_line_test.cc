// What a person gets wrong, or pipes in and out, is told in words and with its exit code; never a crash, never silence.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/base/test_folder_internal.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/diagnose_text.h"
#include "agent/cli/input.h"
#include "agent/cli/run_medic_internal.h"

namespace medic::cli {
namespace {

using testing::HasSubstr;

std::string calm(std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += "2026-11-28 04:12:33,123 INFO all is well\n";
    return text;
}

TEST(DiagnoseFile, TheEndOfALongLogIsReadAndToldToBeOnlyTheEnd) {
    const TestFolder folder;
    const std::string trace =
        "java.lang.OutOfMemoryError: Java heap space\n\tat java.base/java.util.HashMap.resize(HashMap.java:702)\n\tat "
        "com.acme.Dedup.processElement(Dedup.java:31)\n\tat "
        "org.apache.flink.streaming.api.operators.KeyedProcessOperator.processElement(KeyedProcessOperator.java:83)\n";
    const std::string file = folder.write("tm.log", calm(1'100'000) + trace);
    const Ran text = run_medic({"diagnose", "--file", file});
    EXPECT_EQ(text.code, exit_problem) << text.out << text.errors;
    EXPECT_THAT(text.out, HasSubstr("OutOfMemoryError"));
    EXPECT_THAT(text.out, HasSubstr("(only the last 1,048,"));
    EXPECT_THAT(text.out, HasSubstr("; this cause "));
    const Ran json = run_medic({"diagnose", "--file", file, "-o", "json"});
    EXPECT_THAT(json.out, HasSubstr("\"truncated\": true"));
    EXPECT_THAT(json.out, HasSubstr("\"cause_confidence\": 0."));
    const Ran nothing = run_medic({"diagnose", "--file", folder.write("calm.log", calm(1'100'000))});
    EXPECT_EQ(nothing.code, exit_cannot_tell);
    EXPECT_THAT(nothing.out, HasSubstr("Could not tell"));
    EXPECT_THAT(nothing.out, HasSubstr("(only the last "));
}

TEST(Input, OfATailOnlyWholeLinesAreKept) {
    const TestFolder folder;
    const std::string file = folder.write("log", "first\nsecond\nthird\n");
    const auto tail = [&](std::size_t bytes) { return read_tail(file, bytes).value().text; };
    EXPECT_EQ(tail(100), "first\nsecond\nthird\n");
    EXPECT_EQ(tail(19), "first\nsecond\nthird\n");
    EXPECT_EQ(tail(18), "second\nthird\n");
    EXPECT_EQ(tail(13), "second\nthird\n");
    EXPECT_EQ(tail(12), "third\n");
    EXPECT_EQ(tail(3), "rd\n") << "no line begins there";
    EXPECT_TRUE(read_tail(file, 12).value().is_cut());
    EXPECT_EQ(read_tail(file, 12).value().bytes, 19U);
}

TEST(Input, WhatIsNoTextIsToldByItsName) {
    const TestFolder folder;
    const auto said = [&](const std::string& file) {
        const auto read = read_tail(file, 100);
        return read ? "read" : read.error().message;
    };
    using namespace std::string_literals;
    EXPECT_THAT(said(folder.write("empty", "")), HasSubstr(": empty"));
    EXPECT_THAT(said(folder.write("log.gz", "\x1f\x8b\x08 and so on")), HasSubstr("compressed: use zcat"));
    EXPECT_THAT(said(folder.write("wide",
                                  "\xff\xfe"
                                  "E\0R\0"s)),
                HasSubstr("not UTF-8"));
    EXPECT_THAT(said(folder.write("unmarked", "E\0R\0R\0"s)), HasSubstr("not UTF-8"));
    EXPECT_THAT(said(folder.path.string()), HasSubstr("is a directory"));
    EXPECT_EQ(run_medic({"diagnose", "--file", folder.write("empty", "")}).code, exit_cannot_tell);
    EXPECT_EQ(read_file(folder.write("long", "12345"), 4).error().code, ErrorCode::invalid);
}

TEST(CommandLine, ADirectoryInPlaceOfAFileIsToldAsSuch) {
    const TestFolder folder;
    const std::string directory = folder.path.string();
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"diagnose", "--file", directory},
          {"classify", directory},
          {"discover", "--kafka", "127.0.0.1:1", "--since", directory},
          {"backtest", "--prometheus", "http://127.0.0.1:1", "--alerts", directory}}) {
        const Ran ran = run_medic(arguments);
        EXPECT_EQ(ran.code, exit_usage) << arguments.front();
        EXPECT_THAT(ran.errors, HasSubstr(directory + ": is a directory")) << arguments.front();
    }
    EXPECT_THAT(read_file(directory).error().message, HasSubstr("is a directory"));
}

// Calls with standard output on a full disk, and gives back what was said of it.
Ran with_full_disk(const std::vector<std::string>& arguments) {
    std::fflush(stdout);
    const int before = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    Ran ran;
    testing::internal::CaptureStderr();
    ran.code = call_medic(arguments);
    ran.errors = testing::internal::GetCapturedStderr();
    dup2(before, STDOUT_FILENO);
    close(full);
    close(before);
    __fpurge(stdout);  // What could not be written must not be written later.
    std::clearerr(stdout);
    return ran;
}

TEST(CommandLine, OutputThatCanNotBeWrittenIsNoSuccess) {
    const TestFolder folder;
    const std::string file = folder.write("log", "nothing to see\n");
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"man"}, {"--help"}, {"rules", "causes"}, {"diagnose", "--file", file}}) {
        const Ran ran = with_full_disk(arguments);
        EXPECT_NE(ran.code, exit_ok) << arguments.front();
        EXPECT_THAT(ran.errors, HasSubstr("medic: the output can't be written")) << arguments.front();
    }
    EXPECT_EQ(run_medic({"man"}).code, exit_ok) << "and it is forgotten";
}

TEST(CommandLine, WhatWouldBePassedOverIsRefused) {
    const TestFolder folder;
    const std::string file = folder.write("log", "nothing\n");
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"diagnose", "--file", file, "--watch"},
                                                      {"diagnose", "--file", file, "--policy", "p.yaml"},
                                                      {"diagnose", "--file", file, "--kafka", "b:9092"},
                                                      {"diagnose", "--file", file, "--bundle", "b.tar.gz"},
                                                      {"diagnose", "--config", "medic.yaml", "--kafka", "b:9092"},
                                                      {"diagnose", "--config", "medic.yaml", "--access", "a.yaml"},
                                                      {"diagnose", "--kafka", "127.0.0.1:1", "--for", "nan"},
                                                      {"doctor", "--config", "medic.yaml", "--flink", "f:8081"},
                                                      {"doctor", "--config", "medic.yaml", "--name", "x"},
                                                      {"discover", "--kafka", "b:9092", "--ports", "7071"},
                                                      {"discover", "--kafka", "b:9092", "--output", "json"},
                                                      {"bundle", "--config", file, "--output", "yaml"},
                                                      {"bundle", "--config", file, "--for", "nan"}})
        EXPECT_EQ(run_medic(arguments).code, exit_usage) << arguments.front() << " " << arguments.back();
    EXPECT_THAT(run_medic({"discover", "--kafka", "b:9092", "--output", "json"}).errors,
                HasSubstr("-o is the format, --output the file"));
}

TEST(CommandLine, WhoeverWantsALookOfItsOwnSaysAtWhat) {
    for (const std::vector<std::string>& more : {std::vector<std::string>{"--look"}, {"--rules", "r"}}) {
        std::vector<std::string> arguments{"diagnose", "--url", "http://127.0.0.1:1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = run_medic(arguments);
        EXPECT_EQ(ran.code, exit_usage) << more.front();
        EXPECT_THAT(ran.errors, HasSubstr("needs --config or addresses")) << more.front();
    }
}

TEST(CommandLine, AnUnknownCommandIsToldWithTheNearestOne) {
    const Ran near = run_medic({"incident"}), far = run_medic({"zookeeper"});
    EXPECT_EQ(near.code, exit_usage);
    EXPECT_THAT(near.errors, HasSubstr("no command `incident`; did you mean `incidents`?"));
    EXPECT_THAT(far.errors, HasSubstr("no command `zookeeper`; `medic --help` lists them"));
}

TEST(CommandLine, AClustersNameIsOfLettersDigitsAndThreeSigns) {
    for (const char* name : {"shop", "EU-1_b.c"})
        EXPECT_TRUE(
            cluster_of({.kafka = {"b:9092"}, .connect = {}, .flink = {}, .prometheus = "", .name = name, .access = ""}))
            << name;
    for (const char* name : {"", "a\tb", "a\nb", "a;b", "a=b", "a$b", "a\\b", "\xc3\xa9"})
        EXPECT_FALSE(
            cluster_of({.kafka = {"b:9092"}, .connect = {}, .flink = {}, .prometheus = "", .name = name, .access = ""}))
            << name;
}

TEST(CommandLine, ABundleOfTheUsualNameIsNotWrittenOver) {
    const TestFolder folder;
    const auto before = std::filesystem::current_path();
    folder.write("medic-bundle.tar.gz", "of yesterday");
    std::filesystem::current_path(folder.path);
    const Ran ran = run_medic({"bundle", "--config", "none.yaml"});
    std::filesystem::current_path(before);
    EXPECT_EQ(ran.code, exit_problem);
    EXPECT_THAT(ran.errors, HasSubstr("is there already"));
}

TEST(Yaml, TextsThatYamlTakesForSomethingElseAreQuoted) {
    const auto with_owner = [](const std::string& owner) {
        return json_of(TextVerdict{.said = {}, .owner = owner, .unread = {}}, true);
    };
    for (const std::string word : {"No", "NO", "on", "Off", "y", "N", "True", "NULL", "Yes"})
        EXPECT_THAT(with_owner(word), HasSubstr("owner: \"" + word + "\"\n"));
    EXPECT_THAT(with_owner("nobody"), HasSubstr("owner: nobody\n"));
    EXPECT_THAT(with_owner("a\x7f"
                           "b\xc2\x85"
                           "c\xe2\x80\xa8"
                           "d\xe2\x80\xa9"
                           "e\xef\xbb\xbf"
                           "f \xc3\xa9"),
                HasSubstr("owner: \"a\\u007fb\\u0085c\\u2028d\\u2029e\\ufefff \xc3\xa9\"\n"));
}

}  // namespace
}  // namespace medic::cli
