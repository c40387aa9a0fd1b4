import { namePattern } from './patterns.ts';
import type { Schema } from './schema.ts';

export const syncGroupsSchema: Schema = {
  type: 'object',
  minProperties: 1,
  propertyNames: { pattern: namePattern },
  description: 'Instances that move together, by name of the group.',
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    expected: 'a map, as {group: [inside, outside]}',
    required: ['group'],
    properties: {
      group: {
        type: 'array',
        minItems: 2,
        items: { type: 'string' },
        expected: 'a list of at least two names under "vrrp_instance"',
        description:
          'The instances. They are active only together: one that loses, or cannot take part, takes the others with it.',
        why: 'the instances would move separately',
      },
    },
  },
};
