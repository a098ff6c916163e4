// What the command line makes of an address where something else than an agent answers, and answers well.
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

constexpr int exit_problem = 1;

TEST(CliAnswers, what_no_agent_says_is_named_and_ends_no_program) {
    constexpr std::size_t levels = 200'000;
    const std::string nested = std::string(levels, '[') + std::string(levels, ']');
    const AgentScene scene;
    int runs = 0;
    for (const std::string& body :
         {std::string("[]"), std::string("7"), std::string("null"), std::string("{}"), std::string("<html></html>"),
          std::string(R"({"id":7,"incidents":"x"})"), R"({"id":"I1","incidents":)" + nested + "}"}) {
        const Recorder web([&](const HttpRequest&) {
            return HttpResponse{.status = 200, .body = body, .content_type = "application/json", .headers = {}};
        });
        const std::string url = "http://" + web.authority();
        for (const std::vector<std::string>& arguments :
             std::vector<std::vector<std::string>>{{"incidents", "--url", url},
                                                   {"incidents", "--url", url, "-o", "json"},
                                                   {"incidents", "--url", url, "I1"},
                                                   {"actions", "--url", url},
                                                   {"cordon", "--list", "--url", url}}) {
            const std::string log = "said-" + std::to_string(++runs);
            EXPECT_EQ(scene.run(arguments, log), exit_problem) << arguments[0] << " " << body.substr(0, 80);
            EXPECT_NE(scene.read(log).find("can't be read"), std::string::npos) << scene.read(log).substr(0, 400);
        }
    }
}

// A person believes that nothing acts any more, or that a roll goes on.
TEST(CliAnswers, what_was_not_taken_is_not_told_as_done) {
    const AgentScene scene;
    int runs = 0;
    for (const int status : {200, 500}) {
        const Recorder web([&](const HttpRequest&) {
            return HttpResponse{
                .status = status, .body = R"({"error":"no"})", .content_type = "application/json", .headers = {}};
        });
        const std::string url = "http://" + web.authority();
        for (const std::vector<std::string>& arguments :
             std::vector<std::vector<std::string>>{{"pause", "--reason", "x", "--url", url},
                                                   {"actions", "--url", url},
                                                   {"actions", "--url", url, "approve", "I1/1"},
                                                   {"roll", "broker", "--reason", "x", "--no-wait", "--url", url}}) {
            const std::string log = "not-done-" + std::to_string(++runs);
            EXPECT_EQ(scene.run(arguments, log), exit_problem) << arguments[0] << ": " << scene.read(log);
            if (status != 200) {
                EXPECT_NE(scene.read(log).find("no"), std::string::npos) << scene.read(log);
            }
        }
    }
}

// An agent that lists its incidents only after the request would show an old roll as this one.
TEST(CliAnswers, a_roll_is_not_asked_for_where_the_ones_before_are_not_known) {
    const AgentScene scene;
    const Recorder web([](const HttpRequest& request) {
        return HttpResponse{.status = request.method == "GET" ? 503 : 200,
                            .body = R"({"accepted":true,"error":"busy"})",
                            .content_type = "application/json",
                            .headers = {}};
    });
    EXPECT_EQ(scene.run({"roll", "broker", "--reason", "x", "--url", "http://" + web.authority()}, "roll"),
              exit_problem);
    for (const HttpRequest& request : web.requests()) EXPECT_EQ(request.method, "GET");
}

TEST(CliAnswers, a_slash_behind_the_address_changes_nothing) {
    const AgentScene scene;
    const Recorder web([](const HttpRequest&) {
        return HttpResponse{
            .status = 200, .body = R"({"incidents":[]})", .content_type = "application/json", .headers = {}};
    });
    EXPECT_EQ(scene.run({"incidents", "--url", "http://" + web.authority() + "/"}, "slash"), 0) << scene.read("slash");
    ASSERT_FALSE(web.requests().empty());
    EXPECT_EQ(web.requests()[0].path, "/api/v1/incidents");
}

// Of an incident only its id is sure to be there.
TEST(CliAnswers, what_an_incident_lacks_is_left_out) {
    const AgentScene scene;
    const Recorder web([](const HttpRequest& request) {
        return HttpResponse{.status = 200,
                            .body = request.path.ends_with("/I1") ? R"({"id":"I1","diagnosis":[1],"story":7})"
                                                                  : R"({"incidents":[{"id":"I1"},7,[],null]})",
                            .content_type = "application/json",
                            .headers = {}};
    });
    for (const char* id : {"list", "I1"}) {
        EXPECT_EQ(scene.run({"incidents", "--url", "http://" + web.authority(), id}, id), 0) << scene.read(id);
        EXPECT_NE(scene.read(id).find("I1"), std::string::npos) << scene.read(id);
    }
}

}  // namespace
}  // namespace medic::contract
