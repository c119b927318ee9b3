#define BOOST_TEST_MODULE tidemark
#include <boost/test/unit_test.hpp>
