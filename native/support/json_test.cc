#include "support/json.h"

#include "support/testing.h"

using tunvs::testing::Json;

TEST("recorded JSON is read with its nesting, numbers, words and escaped characters") {
  const Json json = Json::parse(R"( {"a": [1, -2.5, 4294967295, []], "b": {"c": "x\"\\\/\t\u0041", "": true},
    "no": false, "nothing": null} )");
  REQUIRE(json["a"].items().size() == 4);
  CHECK_EQ(json["a"].items()[0].integer(), 1);
  CHECK_EQ(json["a"].items()[1].integer(), -2);
  CHECK_EQ(json["a"].items()[2].integer(), 4294967295);
  CHECK(json["a"].items()[3].items().empty() && !json["a"].items()[3].isNull());
  CHECK_EQ(json["b"]["c"].text(), "x\"\\/\tA");
  CHECK(json["b"][""].boolean());
  CHECK(!json["no"].boolean() && !json["no"].isNull());
  CHECK(json["nothing"].isNull() && json["not there"].isNull());
  CHECK_EQ(json.keys(), std::vector<std::string>{"a", "b", "no", "nothing"});
}
