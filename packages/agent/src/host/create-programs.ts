import { PROGRAMS, type HostPrograms } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { PROGRAM_PATHS, type RequireRoot } from './program-paths.ts';
import { runProgram } from './run-program.ts';

export function createPrograms(requireRoot: RequireRoot): HostPrograms {
  return {
    async run(program, args, options = {}) {
      requireRoot(`Running ${program}`);
      if (!PROGRAMS.includes(program))
        throw new HaubanError('PROGRAM_MISSING', `${(program as string).slice(0, 40)} is not a program of an action`);
      return runProgram(PROGRAM_PATHS[program], args, options);
    },
  };
}
