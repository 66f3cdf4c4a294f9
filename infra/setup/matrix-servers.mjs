/**
 * The servers that `npm run test:matrix` tests with, beside each other: the suite of Debian that has them, and the packages
 * with the version and the SHA-256 of each architecture. They bring their own C library.
 */
export const MATRIX_SERVERS = {
  'redis-7.0': describeServer(
    { program: 'redis-server', major: '7.0', suite: 'bookworm' },
    {
      'redis-server': {
        version: '5:7.0.15-1~deb12u7',
        sha256: {
          amd64: '1f43e46f153d1653586e72871dd3e2ea08acba5c3d2b38b02f90d63d16352cac',
          arm64: 'ebde2a3c6b8d65fe655cc2cd24f7feaf30df538226e61df6941f966acef75415',
        },
      },
      'redis-tools': {
        version: '5:7.0.15-1~deb12u7',
        sha256: {
          amd64: '3c8cd27847c6a06b6f6c29e7415a9057462a89661e3a8e2eb8dd5b2d7830bb40',
          arm64: 'a25bf48365275f484203e35932a5105b40ac5d90fa873473b1c608918c777588',
        },
      },
    },
  ),
  'redis-8': describeServer(
    { program: 'redis-server', major: '8', suite: 'trixie' },
    {
      'redis-server': {
        version: '5:8.0.2-3+deb13u3',
        sha256: {
          amd64: '16b5435d05745503f29c8b4ced5bdce3e800ae5370d5f70e6519664d7515cb0f',
          arm64: 'e638c371d228c1893508bc3dfc07c370e50df08d1f2b1b64ed40f15b4cf767c0',
        },
      },
      'redis-tools': {
        version: '5:8.0.2-3+deb13u3',
        sha256: {
          amd64: 'ca91969383b5e9ea7f278dde513e2bc444914961e19e7d94cda7745a95f6686a',
          arm64: '830bfd0aa739a4cfb1524df0958583eff395bfe2b7458fa06d0eef2fcdf5d272',
        },
      },
    },
  ),
  'valkey-8': describeServer(
    { program: 'valkey-server', major: '8', suite: 'trixie' },
    {
      'valkey-server': {
        version: '8.1.1+dfsg1-3+deb13u3',
        sha256: {
          amd64: '41ea4e273d45d54a7d6c20361efdb95bbc57590bc4ef8c1ef13220d589fc2c3a',
          arm64: '0cd05b8fdfd9de573a4cb630f3c76017340330879be90e41bcae28a3d7d98973',
        },
      },
      'valkey-tools': {
        version: '8.1.1+dfsg1-3+deb13u3',
        sha256: {
          amd64: '0c800fe97e57ec7e8e71a147a0d1119955ffd6d083e73618ce946a44d3b827dd',
          arm64: 'c9c0b3637659cec4f2a6095a3873343fc56fd4690ad3cc0143b74d94dd86720c',
        },
      },
    },
  ),
  'valkey-9': describeServer(
    { program: 'valkey-server', major: '9', suite: 'forky' },
    {
      'valkey-server': {
        version: '9.1.2-1',
        sha256: {
          amd64: 'a29ac13c50c5902e119c6d548fd39d285c5836df10451c23f2cb6cd59f8f002f',
          arm64: '038a9ee4d05a103915eacae6c92524f5c61a8641f237623dc3ea3b3469892b66',
        },
      },
      'valkey-tools': {
        version: '9.1.2-1',
        sha256: {
          amd64: '466ee9a2726e22f4ba8d6d71b0e3ba742d669c9141baac2c09c5f32b76695286',
          arm64: '70e6cb4c2817682f5bf8be718c3babc7fc88238991248cef6eaa723e0bc9adc0',
        },
      },
    },
  ),
};

/** A server of this major version, which the cache has under a name of its own: `valkey-server-9`. */
function describeServer({ program, major, suite }, packages) {
  const name = `${program}-${major}`;
  return {
    programs: [[name]],
    places: { [name]: `usr/bin/${program}` },
    major: `${major}.`,
    suite,
    packages,
    byHand: [
      `build or install ${program.replace('-server', '')} ${major}, and put its ${program} on the PATH under the name ${name}`,
    ],
  };
}
