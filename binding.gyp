# Builds what users get: the addon and the Node-free core that it is made of. native/CMakeLists.txt builds the same
# sources, listed by scripts/sources.js, for sanitizers and fuzzers.
{
  'variables': {
    'tunvs_tests%': 0,  # 1 builds tunvs_native_tests too
  },
  'target_defaults': {
    'include_dirs': ['native'],
    'cflags!': ['-fno-exceptions', '-O2'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=c++17'],
    'cflags': ['-Wall', '-Wextra', '-fPIC', '-fvisibility=hidden', '-pthread'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility-inlines-hidden'],
    'ldflags': ['-pthread'],
    'configurations': {
      'Release': {
        'cflags': ['-O3'],
        'defines': ['NDEBUG'],
      },
    },
  },
  'targets': [
    {
      'target_name': 'tunvs_core',
      'type': 'static_library',
      'sources': ['<!@(node scripts/sources.js --unity core)'],
    },
    {
      'target_name': 'tunvs',
      'dependencies': ['tunvs_core'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS',
                  'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],  # for when a worker is terminated
      'sources': ['<!@(node scripts/sources.js --unity addon)'],
    },
  ],
  'conditions': [
    ['tunvs_tests==1', {
      'targets': [
        {
          'target_name': 'tunvs_native_tests',
          'type': 'executable',
          'dependencies': ['tunvs_core'],
          'sources': ['<!@(node scripts/sources.js --unity tests)'],
          # The tested code is optimized; the tests themselves have to compile quickly.
          'configurations': {
            'Release': {
              'cflags!': ['-O3'],
              'cflags': ['-O1'],
            },
          },
        },
      ],
    }],
  ],
}
